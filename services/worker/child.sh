#!/bin/sh
# Runs a program so that it cannot take the host with it: it gets no more than 1.5 GiB of addresses, and the kernel kills it
# when its worker dies, however the worker dies (Linux: PR_SET_PDEATHSIG). ffmpeg takes 0.3 GiB for a usual track.
ulimit -v 1572864 2>/dev/null # fails where a lower limit holds already
exec setpriv --pdeathsig KILL "$@"
