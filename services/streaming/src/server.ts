import closeWithGrace from 'close-with-grace'
import { ConfigError, processEnvironment, readConfig } from '@mixtape/config'
import { buildApp } from './app.ts'
import { createLog } from './log.ts'

/** How long responses may go on when the service stops. */
const GRACE_MS = 10_000

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1|\[::1\])$/

try {
  const config = readConfig(processEnvironment())
  if (!LOOPBACK.test(config.HOST) && config.ADMIN_TOKEN === undefined) {
    throw new ConfigError(`HOST is "${config.HOST}" and ADMIN_TOKEN is not set, so that anyone who reaches this ` +
      'address could clear the cache. Allowed: an ADMIN_TOKEN, or a HOST on loopback such as 127.0.0.1.')
  }
  const log = createLog({ level: config.LOG_LEVEL, name: 'streaming' })
  const app = await buildApp(config, log)
  closeWithGrace({ delay: GRACE_MS + 2000, logger: log }, async ({ err }) => {
    if (err) log.fatal(err)
    else await app.stopGently()
    setTimeout(() => { app.server.closeAllConnections() }, GRACE_MS)
    await app.close()
  })
  await app.listen({ host: config.HOST, port: config.PORT })
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException
  if (!(error instanceof ConfigError) && code !== 'EADDRINUSE') throw error
  console.error(message)
  process.exit(1)
}
