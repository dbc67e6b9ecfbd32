import { setTimeout as sleep } from 'node:timers/promises'
import type { Job } from 'bullmq'
import type { Logger } from 'pino'
import { MismatchError, OverrunError, type AudioCache, type Part } from '@mixtape/audio-cache'
import type { Library, Track } from '@mixtape/library'
import { bitrates, SAMPLE_RATE } from '@mixtape/mp3'
import type { CacheUsage } from '@mixtape/statistics'
import { span } from '@mixtape/tracing'
import type { TranscodeJob, TranscodeProducer } from '@mixtape/transcode-queue'
import { SourceChangedError } from './failure-cause.ts'
import { jobLog } from './job-log.ts'
import type { WorkerMetrics } from './metrics.ts'
import { probe, type Probe } from './probe.ts'
import { SourceError } from './run-ffmpeg.ts'
import { cutIntoSegments } from './segment.ts'
import { isNoSpace, type SpaceReservation } from './space-reservation.ts'
import { transcode, type EncoderRun } from './transcode.ts'

/** A segment that is being written, and is copied, is looked at again after this time. */
const FOLLOW_MS = 20

/** Other workers help with a long track after this time: their start would slow down a listener who starts in mid-track. */
const HELP_AFTER_MS = 500

export interface MakeTranscodeOptions {
  library: Library
  cache: AudioCache
  producer: TranscodeProducer
  space: SpaceReservation
  usage: CacheUsage
  metrics: WorkerMetrics
  log: Logger
  /** Aborted when the worker must stop now. Running jobs go back to the queue. */
  shutdown: AbortSignal
}

/**
 * Makes the transcode of a track: measures it, reserves space, encodes it into a part, and publishes that.
 *
 * @returns the path of the cached file, relative to the cache directory
 */
export async function makeTranscode (
  options: MakeTranscodeOptions, job: Job<TranscodeJob>, track: Track, run: EncoderRun
): Promise<string> {
  const { library, cache, producer, space, usage, metrics, log, shutdown } = options
  const { quality } = job.data
  const { signal } = run
  const started = performance.now()
  // Listeners are served the first attempt only: after a failure they got an error, or the original.
  const isFirst = job.attemptsMade === 0
  const part = await cache.createPart(track, quality, { findable: isFirst })
  const ended = new AbortController()
  try {
    const { samples, isSeekable, startTime, isCertain, tags } = await span('probe', async () => await probe({
      input: track.realPath, mustBeCertain: !isFirst, ...run
    }))
    const withSegments = isSeekable && isFirst
    part.layOut(samples, tags)
    await space.reserve(part.generation, part.size, signal)
    await part.start(withSegments ? cache.segments(track, quality, samples) : undefined)
    await cache.takeOverDeadParts(part, track, samples)
    if (withSegments) {
      enqueueSegments(producer, job, samples, ended.signal).catch(error => {
        if (!ended.signal.aborted) jobLog(log, job).debug(error, 'Segments were not enqueued')
      })
    }
    const encode = (run: EncoderRun) => encodeRest(job, part, track, { samples, isSeekable, startTime, ...run })
    await encode(run).catch(async error => {
      if (error instanceof SourceError && !isCertain) throw new Error(`${error.message}. The next attempt measures it`)
      if (signal.aborted || isNoSpace(error) || [SourceError, OverrunError, MismatchError].some(Known => error instanceof Known)) throw error
      jobLog(log, job).warn(`The encoder is started again, because listeners may wait: ${error.message}`)
      await checkUnchanged(library, track)
      await encode({ ...run, spares: undefined })
    })
    await checkUnchanged(library, track)
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
    ended.abort()
    await part.discard()
    await usage.release(part.generation)
  }
}

/**
 * Has other workers help with a long track. One segment after the other: all at once would keep this process busy.
 *
 * @param signal aborted when the job has ended
 */
async function enqueueSegments (
  producer: TranscodeProducer, job: Job<TranscodeJob>, samples: number, signal: AbortSignal
): Promise<void> {
  await sleep(HELP_AFTER_MS, undefined, { signal })
  const { reason, ...others } = job.data
  // A lower priority than that of the segments that a listener waits for.
  const rest = reason === 'miss' ? 'mixtape' : reason
  for (const blocks of cutIntoSegments(samples, others.quality)) {
    signal.throwIfAborted()
    await producer.enqueue({ ...others, reason: rest, blocks })
  }
}

/**
 * Runs ffmpeg, and writes its frames to the part, until the part is complete. What another encoder has written is copied
 * instead.
 */
async function encodeRest (
  job: Job, part: Part, { realPath }: Track, { samples, isSeekable, startTime, ...run }:
  Pick<Probe, 'samples' | 'isSeekable' | 'startTime'> & EncoderRun
): Promise<void> {
  let reportedAt = 0
  for (;;) {
    if (await part.takeOver()) continue
    if (await part.isFollowing()) {
      await sleep(FOLLOW_MS, undefined, { signal: run.signal })
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
      startTime,
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

/** @throws {SourceChangedError} where a source is gone, or is another version */
export async function checkUnchanged (library: Library, track: Track): Promise<void> {
  const now = await library.open(track.path)
  await now?.close()
  if (now?.version !== track.version) throw new SourceChangedError(now !== undefined)
}
