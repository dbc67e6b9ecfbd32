import { DelayedError, UnrecoverableError, WaitingError, type Job } from 'bullmq'
import type { Logger } from 'pino'
import { bitrates, GrowingFile, OverrunError, type AudioCache, type Library, type Part, type Track } from '@mixtape/audio-cache'
import { parseTranscodeJob, priorities, type CacheUsage, type FailedSources, type TranscodeJob } from '@mixtape/transcode-queue'
import { probe } from './probe.ts'
import { NoRoomError, type Room } from './room.ts'
import { SourceError, transcode } from './transcode.ts'

/** A job that finds no room looks again after this many milliseconds. */
const NO_ROOM_DELAY_MS = 10_000

/** A job whose file another worker is still at looks again after this many milliseconds. */
const TAKEN_DELAY_MS = 5000

export interface ProcessorOptions {
  library: Library
  cache: AudioCache
  failedSources: FailedSources
  room: Room
  usage: CacheUsage
  log: Logger
  /** Whether listeners are served what is being made, and not the original meanwhile. */
  listenersWait: boolean
  /** Aborted when the worker has no more time: running jobs go back to the queue. */
  shutdown: AbortSignal
}

/**
 * One job, top to bottom. It may run twice, or at two places: it looks first, and what it publishes replaces nothing
 * that is still good.
 */
export function createProcessor (
  { library, cache, failedSources, room, usage, log, listenersWait, shutdown }: ProcessorOptions
) {
  return async function process (job: Job, token?: string, lockLost?: AbortSignal): Promise<string> {
    const { path, quality } = parse(job.data)
    const track = await library.open(path)
    if (!track) throw new UnrecoverableError('The source is gone, or is no audio file of the library')
    const signal = lockLost ? AbortSignal.any([shutdown, lockLost]) : shutdown
    try {
      if (!cache.shouldTranscode(path)) throw new UnrecoverableError('Files of this kind are not transcoded')
      if (await isCached(track, quality)) return 'cached already'
      if (await isBeingMade(track, quality)) {
        await job.moveToDelayed(Date.now() + TAKEN_DELAY_MS, token)
        throw new DelayedError()
      }
      return await makeTranscode(job, track, quality, signal)
    } catch (error) {
      if (error instanceof DelayedError) throw error
      if (shutdown.aborted) {
        await job.moveToWait(token)
        throw new WaitingError()
      }
      if (isNoRoom(error)) {
        const reason = error instanceof NoRoomError ? error.message : 'The disk of the cache is full'
        log.warn({ job: job.data }, `${reason}: the job waits`)
        await usage.full(reason)
        await job.moveToDelayed(Date.now() + NO_ROOM_DELAY_MS, token)
        throw new DelayedError()
      }
      if (!(error instanceof SourceError || error instanceof OverrunError)) throw error
      // A source that was away for a moment, with its disk or its share, is not to blame.
      await checkUnchanged(track)
      const reason = error.message.replaceAll(track.realPath, path)
      await failedSources.record(path, { version: track.version, reason })
      throw new UnrecoverableError(reason)
    } finally {
      await track.close()
    }
  }

  async function isCached (track: Track, quality: TranscodeJob['quality']): Promise<boolean> {
    const found = await cache.find(track, quality)
    if (found.status === 'hit') await found.file.close()
    return found.status === 'hit'
  }

  /** Whether a worker that lost the job, but neither its life nor its listeners, will publish it yet. */
  async function isBeingMade (track: Track, quality: TranscodeJob['quality']): Promise<boolean> {
    const growing = await cache.findGrowing(track, quality)
    if (growing instanceof GrowingFile) await growing.close()
    return growing !== undefined
  }

  async function makeTranscode (
    job: Job, track: Track, quality: TranscodeJob['quality'], signal: AbortSignal
  ): Promise<string> {
    const started = performance.now()
    const niceness = listenersWait && job.priority === priorities.miss ? 0 : 10
    // What the queue tries again is not for listeners: they have been let down once.
    const part = await cache.createPart(track, quality, { forListeners: job.attemptsMade === 0 })
    let unused = 0
    try {
      const { samples, sourceSamples, tags } = await probe({ input: track.realPath, niceness, signal })
      part.layOut(samples, tags)
      await room.reserve(part.size)
      unused = part.size
      const encode = () => runEncoder(job, part, track, { samples, sourceSamples, niceness, signal })
      await encode().catch(async error => {
        if (signal.aborted || isNoRoom(error) || error instanceof OverrunError) throw error
        log.warn({ job: job.data }, `Once more, for those who listen: ${error.message}`)
        await checkUnchanged(track)
        await encode()
      })
      await checkUnchanged(track)
      const { path, replaced } = await cache.publish(part)
      unused = replaced
      await usage.notFull()
      log.info({ ms: Math.round(performance.now() - started) }, `Cached: ${track.name} → ${quality} quality`)
      return path
    } finally {
      await part.discard()
      await room.release(unused)
    }
  }

  /** Fills a part up to the tag at its end. */
  async function runEncoder (
    job: Job, part: Part, { realPath }: Track, { samples, sourceSamples, niceness, signal }:
    { samples: number, sourceSamples: number, niceness: number, signal: AbortSignal }
  ): Promise<void> {
    let reported = 0
    await part.begin()
    const decoded = await transcode({
      input: realPath,
      samples,
      bitrate: bitrates[part.quality],
      niceness,
      signal,
      write: async bytes => {
        await part.append(bytes)
        if (performance.now() - reported < 1000) return
        reported = performance.now()
        job.updateProgress(Math.floor(part.progress * 100)).catch(() => {})
      }
    })
    // ffmpeg ends with 0 on a source that was cut off or has a hole.
    if (part.missing > 0) {
      throw new SourceError(`The source is damaged: ${decoded} of its ${sourceSamples} samples could be decoded`)
    }
  }

  async function checkUnchanged (track: Track): Promise<void> {
    const now = await library.open(track.path)
    await now?.close()
    if (now?.version !== track.version) throw new Error('The source changed while it was being transcoded')
  }
}

function isNoRoom (error: unknown): boolean {
  return error instanceof NoRoomError || ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')
}

function parse (data: unknown): TranscodeJob {
  try {
    return parseTranscodeJob(data)
  } catch (error) {
    throw new UnrecoverableError((error as Error).message)
  }
}
