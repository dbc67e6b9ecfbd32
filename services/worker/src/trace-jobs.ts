import { continueTrace } from '@mixtape/tracing'
import type { Processor } from './processor.ts'

/** @returns the processor, whose jobs are spans in the trace of the request that missed their track */
export function traceJobs (run: Processor): Processor {
  return async (job, token, lockLost) => await continueTrace({
    traceparent: job.data?.traceparent,
    attributes: { 'mixtape.path': `${job.data?.path}`, 'mixtape.quality': `${job.data?.quality}`, 'mixtape.attempt': job.attemptsStarted },
    // Later attempts have waited for their time, not for a worker. The clocks of hosts differ.
    ...job.attemptsStarted === 1 && { queuedAt: Math.min(job.timestamp, Date.now()) }
  }, async () => await run(job, token, lockLost))
}
