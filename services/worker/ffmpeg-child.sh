#!/bin/sh
# ffmpeg that dies with its worker, however the worker dies, where the kernel can see to that (Linux).
if command -v setpriv >/dev/null 2>&1 && setpriv --pdeathsig KILL true 2>/dev/null; then
  exec setpriv --pdeathsig KILL ffmpeg "$@"
fi
exec ffmpeg "$@"
