import type { Job } from 'bullmq'
import type { Logger } from 'pino'

/** @returns a log for lines about a job: they name it, and have the `reqId` of the request that missed its track, and its trace */
export function jobLog (log: Logger, { data }: Job): Logger {
  const { requestId: reqId, traceparent, ...job } = data ?? {}
  return log.child({ reqId, traceparent, job })
}
