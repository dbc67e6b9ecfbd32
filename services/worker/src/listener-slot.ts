import { Worker, type ConnectionOptions, type Processor } from 'bullmq'
import { priorities, QUEUE_NAME, workerOptions, type TranscodeProducer } from '@mixtape/transcode-queue'

/** Asked of Redis only while all other slots are taken; no event tells that a job has been moved up into the first lane. */
const LOOK_MS = 100

/**
 * One slot beyond a worker's concurrency, kept for tracks that a listener waits for. It takes a job when all other
 * slots are taken and one of the first lane waits, and takes no other.
 *
 * BullMQ fetches by priority and cannot be asked for one lane only, so this worker fetches by hand, and hands back what
 * it gets if another worker was faster.
 */
export class ListenerSlot extends Worker {
  readonly #producer: TranscodeProducer
  readonly #isNeeded: () => boolean
  readonly #timer: NodeJS.Timeout
  #working: Promise<void> | undefined
  /** BullMQ's own `closing` comes too late: it is set when the job in this slot is done. */
  #stopped = false
  #token = 0

  /** @param options.isNeeded whether the other slots are taken */
  constructor (process: Processor, { connection, producer, isNeeded }: {
    connection: ConnectionOptions, producer: TranscodeProducer, isNeeded: () => boolean
  }) {
    super(QUEUE_NAME, process, { ...workerOptions, connection, autorun: false })
    this.lockManager.start() // run() would, which this worker is never asked to do
    this.#producer = producer
    this.#isNeeded = isNeeded
    this.#timer = setInterval(() => {
      this.#working ??= this.#work().catch(error => { this.emit('error', error) }).finally(() => { this.#working = undefined })
    }, LOOK_MS)
  }

  override async close (force = false): Promise<void> {
    clearInterval(this.#timer)
    this.#stopped = true
    if (!force) await this.#working
    await super.close(force)
  }

  async #work (): Promise<void> {
    while (!this.#stopped && this.#isNeeded() && await this.#producer.waiting('miss') > 0) {
      const token = `${this.id}:${this.#token++}`
      const job = await this.getNextJob(token, { block: false })
      if (!job) return
      if (job.priority === priorities.miss) await this.processJob(job, token, () => false)
      else await job.moveToWait(token)
    }
  }
}
