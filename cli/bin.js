#!/usr/bin/env node
// A file of its own, because npm links it before the first build.
import('./dist/main.js')
