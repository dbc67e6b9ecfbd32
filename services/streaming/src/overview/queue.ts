import type { FastifyInstance } from 'fastify'
import { lanes, type Lane } from '@mixtape/transcode-queue'
import { isoTime, jobOf } from '../schemas/queue.ts'

/** @returns the body of GET /admin/queue */
export async function queueOverview (app: FastifyInstance) {
  const [state, running] = await Promise.all([app.queueMonitor.state(), app.queueMonitor.running()])
  return {
    paused: state.isPaused,
    waiting: Object.fromEntries(lanes.map(lane => {
      const { jobs, nextSince } = state.waiting[lane]
      return [lane, { jobs, next_since: isoTime(nextSince) }]
    })) as Record<Lane, { jobs: number, next_since: string | null }>,
    delayed: state.delayed,
    failed: state.failed,
    running: await Promise.all(running.map(async job => {
      const duration = (await app.trackEntries.find(job.path))?.duration ?? null
      return {
        ...jobOf(job),
        percent: job.percent,
        started_at: isoTime(job.startedAt),
        attempt: job.attempt,
        worker: job.worker ?? null,
        duration,
        speed: speed(duration, job.percent, job.startedAt)
      }
    }))
  }
}

/** @returns seconds of audio that were encoded for each second; null where the duration is unknown, and at the start */
function speed (duration: number | null, percent: number, startedAt: number): number | null {
  const seconds = (Date.now() - startedAt) / 1000
  return duration === null || percent === 0 || seconds <= 0 ? null : Math.round(duration * percent / 100 / seconds * 10) / 10
}

/** @returns the body of GET /admin/workers */
export async function workersOverview (app: FastifyInstance) {
  return {
    workers: (await app.workers.all()).map(({ startedAt, lastHeardOf, isAlive, isDraining = false, ...worker }) => ({
      ...worker, started_at: isoTime(startedAt), last_heard_of: isoTime(lastHeardOf), alive: isAlive, draining: isDraining
    }))
  }
}
