import type { FastifyInstance } from 'fastify'
import { Gauge } from 'prom-client'
import type { Metrics } from '@mixtape/metrics'
import { lanes } from '@mixtape/transcode-queue'

/** Tells what waits, runs and failed, and which workers there are. All replicas tell the same, and nothing while Redis is away. */
export function watchQueue (metrics: Metrics, app: Pick<FastifyInstance, 'queueMonitor' | 'workers'>): void {
  const registers = [metrics.registry]
  const waiting = new Gauge({
    name: 'mixtape_queue_waiting_jobs', help: 'Jobs that wait for a worker, by lane.', labelNames: ['lane'], registers
  })
  const age = new Gauge({
    name: 'mixtape_queue_oldest_seconds', help: 'How long the job that is next in a lane has waited; 0 for an empty lane.', labelNames: ['lane'], registers
  })
  const jobs = new Gauge({
    name: 'mixtape_queue_jobs',
    help: 'Other jobs by state: delayed (they wait for their next attempt, or for space), running, failed.',
    labelNames: ['state'],
    registers
  })
  const paused = new Gauge({ name: 'mixtape_queue_paused', help: 'Whether an operator has paused the queue: 1 or 0.', registers })
  const workers = new Gauge({
    name: 'mixtape_workers',
    help: 'Workers of the last minute by state: ready, draining, silent (not heard of for 15 seconds).',
    labelNames: ['state'],
    registers
  })

  metrics.onScrape(async () => await app.queueMonitor.state(), state => {
    for (const gauge of [waiting, age, jobs]) gauge.reset()
    if (!state) return paused.remove()
    for (const lane of lanes) {
      const { jobs: number, nextSince } = state.waiting[lane]
      waiting.set({ lane }, number)
      age.set({ lane }, nextSince === undefined ? 0 : Math.max(Date.now() - nextSince, 0) / 1000)
    }
    for (const name of ['delayed', 'running', 'failed'] as const) jobs.set({ state: name }, state[name])
    paused.set(state.isPaused ? 1 : 0)
  })

  metrics.onScrape(async () => await app.workers.all(), known => {
    workers.reset()
    if (!known) return
    for (const state of ['ready', 'draining', 'silent']) workers.set({ state }, 0)
    for (const { isAlive, isDraining } of known) workers.inc({ state: !isAlive ? 'silent' : isDraining ? 'draining' : 'ready' })
  })
}
