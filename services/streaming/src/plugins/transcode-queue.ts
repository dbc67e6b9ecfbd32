import fp from 'fastify-plugin'
import type { Logger } from 'pino'
import type { Track, TranscodeQuality } from '@mixtape/audio-cache'
import {
  CacheUsage, deduplicationId, FailedSources, HitRates, Mixtapes, Plays, producerConnection, TranscodeEvents, TranscodeProducer, workerConnection
} from '@mixtape/transcode-queue'

declare module 'fastify' {
  interface FastifyInstance {
    transcodeQueue: TranscodeProducer
    transcodeEvents: TranscodeEvents
    failedSources: FailedSources
    mixtapes: Mixtapes
    /** @throws where Redis does not answer */
    pingRedis (): Promise<unknown>
    /** Asks for what a listener has just missed. Returns at once; where Redis is away, the next miss asks again. */
    enqueueMiss (track: Track, quality: TranscodeQuality): void
    cacheUsage: CacheUsage
    hitRates: HitRates
    plays: Plays
    /** Counts something without anybody waiting; where Redis is away, it is not counted. */
    inBackground (counting: Promise<unknown>): void
  }
}

/** A listener asks for many parts of one track; the queue is asked for it this often, and whenever its job has changed. */
const ASK_AGAIN_MS = 1000

export const transcodeQueuePlugin = fp(async app => {
  const redis = producerConnection(app.config.REDIS_URL, app.log as Logger)
  const queue = new TranscodeProducer(redis)
  const events = new TranscodeEvents(workerConnection(app.config.REDIS_URL, app.log as Logger))
  const mixtapes = new Mixtapes(redis)

  app.decorate('transcodeQueue', queue)
  app.decorate('transcodeEvents', events)
  app.decorate('failedSources', new FailedSources(redis))
  app.decorate('mixtapes', mixtapes)
  app.decorate('pingRedis', () => redis.ping())
  /** Versions of sources that a job was asked for, and what each job is about. */
  const asked = new Map<string, string>()
  const subjects = new Map<string, string>()
  const forget = (id: string) => {
    asked.delete(subjects.get(id) ?? '')
    subjects.delete(id)
  }
  events.listen(change => { if ('job' in change) forget(change.job) })
  app.decorate('enqueueMiss', ({ path, version }: Track, quality: TranscodeQuality) => {
    const subject = `${quality} ${path}`
    if (asked.get(subject) === version) return
    const id = deduplicationId({ path, quality })
    asked.set(subject, version)
    subjects.set(id, subject)
    queue.enqueue({ path, quality, reason: 'miss' }, version).then(() => {
      setTimeout(forget, ASK_AGAIN_MS, id).unref()
    }, error => {
      forget(id)
      app.log.debug(error, 'A miss could not be enqueued')
    })
  })
  app.decorate('cacheUsage', new CacheUsage(redis))
  app.decorate('hitRates', new HitRates(redis))
  app.decorate('plays', new Plays(redis))
  app.decorate('inBackground', (counting: Promise<unknown>) => {
    counting.catch(error => app.log.debug(error, 'Something was not counted'))
  })

  app.addHook('onClose', async () => {
    events.close()
    await Promise.all([queue.close(), mixtapes.close()])
    redis.disconnect()
  })
}, { name: 'transcode-queue' })
