import closeWithGrace from 'close-with-grace'
import { ConfigError, processEnvironment, readConfig } from '@mixtape/config'
import { createLog } from '@mixtape/log'
import { startWorker } from './worker.ts'

/** How long running jobs may go on when the worker stops. Orchestrators kill after 30 s by default. */
const GRACE_MS = 20_000

try {
  const config = readConfig(processEnvironment())
  const log = createLog({ level: config.LOG_LEVEL, name: 'worker' })
  const worker = await startWorker(config, log)
  log.info({ concurrency: config.WORKER_CONCURRENCY }, 'Waiting for jobs')
  closeWithGrace({ delay: GRACE_MS + 8000, logger: log }, async ({ err }) => {
    if (err) log.fatal(err)
    await worker.close(err ? 0 : GRACE_MS)
  })
} catch (error) {
  // Errors with a code come from the file system, such as a folder that cannot be created: a stack would not help.
  const { code, message } = error as NodeJS.ErrnoException
  if (!(error instanceof ConfigError) && code === undefined) throw error
  console.error(message)
  process.exit(1)
}
