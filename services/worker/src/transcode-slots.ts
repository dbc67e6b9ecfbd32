import { Worker, type Job } from 'bullmq'
import type { Logger } from 'pino'
import { QUEUE_NAME, workerOptions, type RedisClient, type TranscodeProducer } from '@mixtape/transcode-queue'
import { logFailures } from './job-log.ts'
import { ListenerSlot } from './listener-slot.ts'
import type { WorkerMetrics } from './metrics.ts'
import type { Processor } from './processor.ts'

export interface TranscodeSlotsOptions {
  connection: RedisClient
  /** Of the worker, as in its heartbeat. */
  name: string
  concurrency: number
  /** Whether listeners wait for misses (AUDIO_CACHE_ON_MISS=transcode). */
  listenersWait: boolean
  producer: TranscodeProducer
  process: Processor
  metrics: WorkerMetrics
  /** Called for each job that a worker which died has left. */
  onStalled: () => void
  log: Logger
}

/** The slots of a worker: those for all transcode jobs, and one more for jobs that a listener waits for. */
export class TranscodeSlots {
  readonly #connection: RedisClient
  readonly #worker: Worker
  readonly #listenerSlot: ListenerSlot | undefined
  #running = 0
  #isDraining = false

  constructor ({ connection, name, concurrency, listenersWait, producer, process, metrics, onStalled, log }: TranscodeSlotsOptions) {
    this.#connection = connection
    // All three parameters are declared, because BullMQ passes a signal only to such functions.
    this.#worker = new Worker(QUEUE_NAME, async (job, token, lockLost) => {
      this.#running++
      return await process(job, token, lockLost).finally(() => { this.#running-- })
    }, { ...workerOptions, connection, name, concurrency })
    logFailures(this.#worker, log)
    this.#worker.on('failed', job => { if (job?.deferredFailure) metrics.stalled(job) })
    this.#worker.on('lockRenewalFailed', ids => { this.#cancelTakenOver(ids).catch(error => log.error(error)) })
    this.#worker.on('stalled', onStalled)
    if (!listenersWait) return
    this.#listenerSlot = new ListenerSlot({
      connection,
      name,
      producer,
      process,
      isNeeded: () => !this.#isDraining && this.#running >= concurrency,
      isTakenOver: async (job: Job) => await this.#isLocked(job.id ?? ''),
      log
    })
  }

  /** Takes no more jobs, and finishes those that run; or takes jobs again. */
  async setDraining (on: boolean): Promise<void> {
    this.#isDraining = on
    if (on) await this.#worker.pause(true)
    else this.#worker.resume()
  }

  /** Takes no more jobs, and waits for the running ones. @param isForced do not wait */
  async close (isForced: boolean): Promise<void> {
    await Promise.all([this.#worker.close(isForced), this.#listenerSlot?.close(isForced)])
  }

  /**
   * Stops jobs that another worker has taken over, for example while this one was frozen. BullMQ only reports a lost
   * lock. A job that nobody else has, as after an outage of Redis, goes on: it may have listeners.
   */
  async #cancelTakenOver (ids: string[]): Promise<void> {
    for (const id of ids) if (await this.#isLocked(id)) this.#worker.cancelJob(id, 'Another worker has the job')
  }

  async #isLocked (id: string): Promise<boolean> {
    return await this.#connection.exists(`${this.#worker.toKey(id)}:lock`) === 1
  }
}
