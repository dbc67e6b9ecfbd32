import type { Job, Worker } from 'bullmq'
import type { Logger } from 'pino'

/** @returns a log for lines about a job: they name it, and have the `reqId` of the request that missed its track, and its trace */
export function jobLog (log: Logger, { data }: Pick<Job, 'data'>): Logger {
  const { requestId: reqId, traceparent, ...job } = data ?? {}
  return log.child({ reqId, traceparent, job })
}

/** Logs each job of a worker that fails. */
export function logFailures<Data, Result, Name extends string> (worker: Worker<Data, Result, Name>, log: Logger): void {
  worker.on('error', () => {}) // the connection logs its errors itself
  worker.on('failed', (job, error) => {
    // Undefined: the job was removed meanwhile.
    const about = job ? jobLog(log, job) : log
    about.warn({ attempts: job?.attemptsMade }, `${job?.name} failed: ${error.message}`)
  })
}
