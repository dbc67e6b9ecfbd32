import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { Job } from 'bullmq'
import { projectVersion } from '@mixtape/config'
import { HEARTBEAT_MS, WorkerHeartbeats, type RedisClient } from '@mixtape/transcode-queue'
import type { Processor } from './processor.ts'

/** Tells Redis every few seconds that this worker lives, and which jobs it runs. While Redis is away it tells nothing. */
export class HeartbeatSender {
  /** Name of this worker, which BullMQ stores with each job that it runs. */
  readonly id = `${hostname()}-${process.pid}-${randomBytes(2).toString('hex')}`
  readonly #heartbeats: WorkerHeartbeats
  readonly #running = new Set<Job>()
  readonly #startedAt = Date.now()
  readonly #version = projectVersion()
  readonly #concurrency: number
  readonly #timer: NodeJS.Timeout
  readonly #setDraining: (isDraining: boolean) => void
  #isDraining = false
  #isStopped = false
  #beating: Promise<void> | undefined

  /**
   * @param redis from workerConnection()
   * @param setDraining called when an operator tells this worker to take no more jobs, or to take jobs again
   */
  constructor (redis: RedisClient, concurrency: number, setDraining: (isDraining: boolean) => void) {
    this.#heartbeats = new WorkerHeartbeats(redis)
    this.#concurrency = concurrency
    this.#setDraining = setDraining
    this.#timer = setInterval(() => this.#beat(), HEARTBEAT_MS)
    this.#beat()
  }

  /** @returns the processor, which is told about while it runs */
  watch (run: Processor): Processor {
    return async (job, token, lockLost) => {
      this.#running.add(job)
      return await run(job, token, lockLost).finally(() => this.#running.delete(job))
    }
  }

  /** Tells nothing more. Where Redis is there, the worker is listed no longer. */
  async stop (isRedisAway: boolean): Promise<void> {
    this.#isStopped = true
    clearInterval(this.#timer)
    if (isRedisAway) return
    await this.#beating
    await this.#heartbeats.leave(this.id)
  }

  /** A beat that waits for Redis is not followed by a second one. */
  #beat (): void {
    this.#beating ??= this.#heartbeats.beat({
      id: this.id,
      host: hostname(),
      pid: process.pid,
      version: this.#version,
      concurrency: this.#concurrency,
      startedAt: this.#startedAt,
      running: [...this.#running].map(({ data: { path, quality } }) => ({ path, quality })),
      isDraining: this.#isDraining
    }).then(isDraining => {
      if (isDraining === this.#isDraining) return
      this.#isDraining = isDraining
      this.#setDraining(isDraining)
      setImmediate(() => { if (!this.#isStopped) this.#beat() }) // tell it at once
    }).catch(() => {}).finally(() => { this.#beating = undefined }) // the connection logs its errors itself
  }
}
