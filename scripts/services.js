import { fileURLToPath } from 'node:url'

const path = name => fileURLToPath(new URL(`../services/${name}`, import.meta.url))

/** The command of each service, and a pattern of the line that it logs when it is ready. */
export const STREAMING = { command: [path('streaming/run.sh')], ready: /listening at (http:[^"]+)/ }
export const WORKER = { command: [process.execPath, path('worker/dist/main.js')], ready: /Waiting for jobs/ }
