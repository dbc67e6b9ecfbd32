#!/bin/sh
# Runs ffmpeg so that the kernel kills it when its worker dies, however the worker dies (Linux: PR_SET_PDEATHSIG).
exec setpriv --pdeathsig KILL ffmpeg "$@"
