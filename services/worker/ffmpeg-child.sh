#!/bin/sh
exec "${0%/*}/child.sh" ffmpeg "$@"
