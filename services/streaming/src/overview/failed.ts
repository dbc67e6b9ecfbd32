import type { FastifyInstance } from 'fastify'
import { isoTime, jobOf } from '../schemas/queue.ts'

/** @returns the body of GET /admin/failed; all failures, or the latest few */
export async function failedOverview (
  { failures }: FastifyInstance, { limit, withDismissed }: { limit?: number, withDismissed?: boolean } = {}
) {
  const [jobs, sources] = await Promise.all([failures.jobs({ limit }), failures.sources({ withDismissed })])
  return {
    jobs: jobs.map(job => ({
      ...jobOf(job), error: job.error, failed_at: isoTime(job.failedAt), attempts: job.attempts
    })),
    sources: sources.slice(0, limit).map(({ path, reason, since, version }) => ({ path, error: reason, since: isoTime(since), version }))
  }
}
