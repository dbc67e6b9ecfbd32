import { fileURLToPath } from 'node:url'

const script = name => fileURLToPath(new URL(`../services/${name}`, import.meta.url))

/**
 * How each service is started, as package.json and the Dockerfile do it too, and what it logs when it is ready.
 *
 * The young generation of the streaming service, three such semi-spaces, has a fixed size, in MiB. Left to itself it
 * begins so small that requests in mid-flight pass for old objects and drag later ones with them, until the next full
 * collection, at up to twice the time per request; and it ends at four times the size.
 */
export const STREAMING = {
  args: ['--min-semi-space-size=4', '--max-semi-space-size=4', script('streaming/dist/server.js')],
  ready: /listening at (http:[^"]+)/
}
export const WORKER = { args: [script('worker/dist/main.js')], ready: /Waiting for jobs/ }
