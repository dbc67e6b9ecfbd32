#!/bin/sh
# Runs ffmpeg. On Linux with setpriv, the kernel kills ffmpeg when its worker ends, even when the worker is killed.
if command -v setpriv >/dev/null 2>&1 && setpriv --pdeathsig KILL true 2>/dev/null; then
  exec setpriv --pdeathsig KILL ffmpeg "$@"
fi
exec ffmpeg "$@"
