import type { FastifyInstance } from 'fastify'
import { isoTime, jobOf } from '../schemas/queue.ts'

/** @returns the body of GET /admin/failed */
export async function failedOverview ({ failures }: FastifyInstance) {
  const [jobs, sources] = await Promise.all([failures.jobs(), failures.sources()])
  return {
    jobs: jobs.map(job => ({
      ...jobOf(job), error: job.error, failed_at: isoTime(job.failedAt), attempts: job.attempts
    })),
    sources: sources.map(({ path, reason, since }) => ({ path, error: reason, since: isoTime(since) }))
  }
}
