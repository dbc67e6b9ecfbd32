import closeWithGrace from 'close-with-grace'
import { isLoopbackHost } from '@mixtape/access'
import { ConfigError, processEnvironment, readConfig } from '@mixtape/config'
import { createLog } from '@mixtape/log'
import { buildApp } from './app.ts'

/** How long responses may go on when the service stops. */
const GRACE_MS = 10_000

try {
  const config = readConfig(processEnvironment())
  if (!isLoopbackHost(config.HOST) && config.ADMIN_TOKEN === undefined) {
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
  if (!(error instanceof ConfigError) && code === undefined) throw error // a fault of the program
  console.error(message)
  process.exit(1)
}
