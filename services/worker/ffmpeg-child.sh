#!/bin/sh
exec "$(dirname "$0")/child.sh" ffmpeg "$@"
