import { setTimeout } from 'node:timers/promises'
import { DelayedError, WaitingError, type Job } from 'bullmq'
import type { Logger } from 'pino'
import { GrowingFile, MismatchError, OverrunError, type AudioCache, type Part } from '@mixtape/audio-cache'
import type { Library, Track } from '@mixtape/library'
import { bitrates, SAMPLE_RATE, type TranscodeQuality } from '@mixtape/mp3'
import type { CacheUsage } from '@mixtape/statistics'
import { span } from '@mixtape/tracing'
import { parseTranscodeJob, priorities, type FailedSources, type TranscodeJob, type TranscodeProducer } from '@mixtape/transcode-queue'
import { SourceChangedError, unrecoverable } from './failure-cause.ts'
import { jobLog } from './job-log.ts'
import type { WorkerMetrics } from './metrics.ts'
import { probe } from './probe.ts'
import { cutIntoSegments, makeSegment } from './segment.ts'
import { NoSpaceError, type SpaceReservation } from './space-reservation.ts'
import { SourceError } from './run-ffmpeg.ts'
import { transcode } from './transcode.ts'

/** A job for which there is no space is tried again after this time. */
const NO_SPACE_DELAY_MS = 10_000

/** A segment that is being written, and is copied, is looked at again after this time. */
const FOLLOW_MS = 20

/** A job whose file another worker is writing is tried again after this time. */
const IN_PROGRESS_DELAY_MS = 5000

export interface ProcessorOptions {
  library: Library
  cache: AudioCache
  producer: TranscodeProducer
  failedSources: FailedSources
  space: SpaceReservation
  usage: CacheUsage
  metrics: WorkerMetrics
  log: Logger
  /** Whether listeners are served the growing file (AUDIO_CACHE_ON_MISS=transcode). */
  listenersWait: boolean
  /** Aborted when the worker must stop now. Running jobs go back to the queue. */
  shutdown: AbortSignal
}

/** Runs a job. @returns the path of the cached file, relative to the cache directory; undefined where only a segment was made */
export type Processor = (job: Job, token?: string, lockLost?: AbortSignal) => Promise<string | undefined>

/**
 * Makes the processor of transcode jobs. A job may run twice, or on two workers at a time: it first looks whether the
 * file is cached or being written, and publishing replaces a file by an equal one.
 */
export function createProcessor (
  { library, cache, producer, failedSources, space, usage, metrics, log, listenersWait, shutdown }: ProcessorOptions
): Processor {
  return async function process (job, token, lockLost) {
    const { path, quality, blocks } = parse(job.data)
    const track = await library.open(path)
    if (!track) throw unrecoverable('source-gone', 'The source is gone, or is no audio file of the library')
    const signal = lockLost ? AbortSignal.any([shutdown, lockLost]) : shutdown
    try {
      if (!cache.shouldTranscode(path)) throw unrecoverable('not-transcodable', 'Files of this kind are not transcoded')
      const cachedPath = await findCached(track, quality)
      if (cachedPath !== undefined) return cachedPath
      if (blocks) {
        const isForListener = job.priority === priorities.miss
        await makeSegment(cache, track, quality, blocks, {
          niceness: niceness(job), signal, isForListener, checkUnchanged: async () => await checkUnchanged(track)
        })
        return undefined
      }
      if (await isInProgress(track, quality)) {
        await job.moveToDelayed(Date.now() + IN_PROGRESS_DELAY_MS, token)
        throw new DelayedError()
      }
      return await makeTranscode(job, track, quality, signal)
    } catch (error) {
      if (error instanceof DelayedError) throw error
      if (shutdown.aborted) {
        await job.moveToWait(token)
        throw new WaitingError()
      }
      if (isNoSpace(error) && !blocks) {
        const reason = error instanceof NoSpaceError ? error.message : 'The disk of the cache is full'
        jobLog(log, job).warn(`${reason}: the job waits`)
        await usage.markFull(reason)
        await job.moveToDelayed(Date.now() + NO_SPACE_DELAY_MS, token)
        throw new DelayedError()
      }
      if (!(error instanceof SourceError || error instanceof OverrunError) || blocks) throw error
      // A source that cannot be read only because its disk is away must not be recorded as broken.
      await checkUnchanged(track)
      const reason = error.message.replaceAll(track.realPath, path)
      await failedSources.record(path, { version: track.version, reason })
      throw unrecoverable('source-broken', reason)
    } finally {
      await track.close()
    }
  }

  /** Scheduling priority of ffmpeg. What a listener waits for runs before the rest. */
  function niceness (job: Job): number {
    return listenersWait && job.priority === priorities.miss ? 0 : 10
  }

  async function findCached (track: Track, quality: TranscodeQuality): Promise<string | undefined> {
    const found = await cache.find(track, quality)
    if (found.status === 'miss') return undefined
    await found.file.close()
    return found.isOutdated ? undefined : found.path
  }

  /** Whether another worker is writing the file: one that lost its lock, but still runs and may have listeners. */
  async function isInProgress (track: Track, quality: TranscodeQuality): Promise<boolean> {
    const growing = await cache.findGrowing(track, quality)
    if (growing instanceof GrowingFile) await growing.close()
    return growing !== undefined
  }

  async function makeTranscode (job: Job, track: Track, quality: TranscodeQuality, signal: AbortSignal): Promise<string> {
    const started = performance.now()
    const run = { niceness: niceness(job), signal }
    // Listeners are served the first attempt only: after a failure they got an error, or the original.
    const isFirst = job.attemptsMade === 0
    const part = await cache.createPart(track, quality, { findable: isFirst })
    try {
      const { samples, isSeekable, isCertain, tags } = await span('probe', async () => await probe({
        input: track.realPath, mustBeCertain: !isFirst, ...run
      }))
      const withSegments = isSeekable && isFirst
      part.layOut(samples, tags)
      await space.reserve(part.generation, part.size, signal)
      await part.start(withSegments ? cache.segments(track, quality, samples) : undefined)
      await cache.takeOverDeadParts(part, track, samples)
      if (withSegments) enqueueSegments(job, samples)
      const encode = () => encodeRest(job, part, track, { samples, isSeekable, ...run })
      await encode().catch(async error => {
        if (error instanceof SourceError && !isCertain) throw new Error(`${error.message}. The next attempt measures it`)
        if (signal.aborted || isNoSpace(error) || [SourceError, OverrunError, MismatchError].some(Known => error instanceof Known)) throw error
        jobLog(log, job).warn(`The encoder is started again, because listeners may wait: ${error.message}`)
        await checkUnchanged(track)
        await encode()
      })
      await checkUnchanged(track)
      const { path, replacedBytes } = await span('publish', async () => await cache.publish(part))
      await usage.publish(part.generation, quality, replacedBytes ? 0 : 1, part.size - replacedBytes)
      await usage.unmarkFull()
      const ms = performance.now() - started
      metrics.published(quality, { audio: samples / SAMPLE_RATE, work: ms / 1000 })
      jobLog(log, job).info({ ms: Math.round(ms) }, `Cached: ${track.name} → ${quality} quality`)
      return path
    } catch (error) {
      // A job that goes to another worker leaves it what is made, unless that worker has started meanwhile.
      if (shutdown.aborted) await part.abandon()
      else if (!signal.aborted) await part.removeSegments()
      throw error
    } finally {
      await part.discard()
      await usage.release(part.generation)
    }
  }

  /** Has other workers help with a long track. */
  function enqueueSegments (job: Job, samples: number): void {
    const { reason, ...others } = parse(job.data)
    // A lower priority than that of the segments that a listener waits for.
    const rest = reason === 'miss' ? 'mixtape' : reason
    for (const blocks of cutIntoSegments(samples, others.quality)) {
      producer.enqueue({ ...others, reason: rest, blocks }).catch(error => jobLog(log, job).debug(error, 'A segment was not enqueued'))
    }
  }

  /**
   * Runs ffmpeg, and writes its frames to the part, until the part is complete. What another encoder has written is copied
   * instead.
   */
  async function encodeRest (
    job: Job, part: Part, { realPath }: Track, { samples, isSeekable, ...run }:
    { samples: number, isSeekable: boolean, niceness: number, signal: AbortSignal }
  ): Promise<void> {
    let reportedAt = 0
    for (;;) {
      if (await part.takeOver()) continue
      if (await part.isFollowing()) {
        await setTimeout(FOLLOW_MS, undefined, { signal: run.signal })
        continue
      }
      // The last block is encoded again, and compared.
      const firstBlock = isSeekable ? Math.max(part.blocks - 1, 0) : 0
      if (part.missing > 0) part.rewindTo(firstBlock)
      else return
      const isComplete = await transcode({
        input: realPath,
        samples,
        bitrate: bitrates[part.quality],
        firstBlock,
        ...run,
        write: async bytes => {
          await part.append(bytes)
          if (performance.now() - reportedAt > 1000) {
            reportedAt = performance.now()
            job.updateProgress(Math.floor(part.progress * 100)).catch(() => {})
          }
          return await part.isOvertaken()
        }
      })
      // ffmpeg exits with status 0 for a source that is truncated or has a gap.
      if (isComplete && part.missing > 0) {
        const seconds = samples / SAMPLE_RATE
        const decoded = Math.floor(part.progress * seconds)
        throw new SourceError(`The source is damaged: only ${decoded} of its ${Math.ceil(seconds)} s could be decoded`)
      }
    }
  }

  async function checkUnchanged (track: Track): Promise<void> {
    const now = await library.open(track.path)
    await now?.close()
    if (now?.version !== track.version) throw new SourceChangedError('The source changed while it was being transcoded')
  }
}

function isNoSpace (error: unknown): boolean {
  return error instanceof NoSpaceError || ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')
}

function parse (data: unknown): TranscodeJob {
  try {
    return parseTranscodeJob(data)
  } catch (error) {
    throw unrecoverable('invalid-job', (error as Error).message)
  }
}
