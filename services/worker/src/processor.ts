import { DelayedError, WaitingError, type Job } from 'bullmq'
import { GrowingFile, OverrunError } from '@mixtape/audio-cache'
import type { Track } from '@mixtape/library'
import type { TranscodeQuality } from '@mixtape/mp3'
import { parseTranscodeJob, priorities, type FailedSources, type TranscodeJob } from '@mixtape/transcode-queue'
import { SourceChangedError, unrecoverable } from './failure-cause.ts'
import { jobLog } from './job-log.ts'
import { checkUnchanged, makeTranscode, type MakeTranscodeOptions } from './make-transcode.ts'
import { SourceError } from './run-ffmpeg.ts'
import { makeSegment } from './segment.ts'
import { isNoSpace, NoSpaceError } from './space-reservation.ts'
import type { SpareEncoders } from './spare-encoders.ts'

/** A job for which there is no space is tried again after this time. */
const NO_SPACE_DELAY_MS = 10_000

/** A job whose file another worker is writing is tried again after this time. */
const IN_PROGRESS_DELAY_MS = 5000

export interface ProcessorOptions extends MakeTranscodeOptions {
  failedSources: FailedSources
  /** Where listeners are served the growing file (AUDIO_CACHE_ON_MISS=transcode): encoders that start for them at once. */
  spares: SpareEncoders | undefined
}

/** Runs a job. @returns the path of the cached file, relative to the cache directory; undefined where only a segment was made */
export type Processor = (job: Job, token?: string, lockLost?: AbortSignal) => Promise<string | undefined>

/**
 * Makes the processor of transcode jobs. A job may run twice, or on two workers at a time: it first looks whether the
 * file is cached or being written, and publishing replaces a file by an equal one.
 */
export function createProcessor (options: ProcessorOptions): Processor {
  const { library, cache, failedSources, usage, log, spares, shutdown } = options

  return async function process (job, token, lockLost) {
    try {
      return await attempt(job, token, lockLost)
    } catch (error) {
      // Nothing has failed with the new version, so it does not wait for another attempt. A source that changes again does: it is
      // still being written.
      const isNew = error instanceof SourceChangedError && error.isReplaced && job.attemptsStarted === 1 && !job.data.blocks
      if (!isNew) throw error
      jobLog(log, job).warn(`${error.message}: the new version is transcoded`)
      await job.moveToWait(token)
      throw new WaitingError()
    }
  }

  async function attempt (job: Job, token?: string, lockLost?: AbortSignal): Promise<string | undefined> {
    const { path, quality, blocks } = parse(job.data)
    const track = await library.open(path)
    if (!track) throw unrecoverable('source-gone', 'The source is gone, or is no audio file of the library')
    const signal = lockLost ? AbortSignal.any([shutdown, lockLost]) : shutdown
    // What a listener waits for runs before the rest.
    const run = spares && job.priority === priorities.miss
      ? { niceness: 0, spares: job.attemptsMade === 0 ? spares : undefined, signal }
      : { niceness: 10, signal }
    try {
      if (!cache.shouldTranscode(path)) throw unrecoverable('not-transcodable', 'Files of this kind are not transcoded')
      const cachedPath = await findCached(track, quality)
      if (cachedPath !== undefined) return cachedPath
      if (blocks) {
        const isForListener = job.priority === priorities.miss
        await makeSegment(cache, track, quality, blocks, {
          ...run, isForListener, checkUnchanged: async () => await checkUnchanged(library, track)
        })
        return undefined
      }
      if (await isInProgress(track, quality)) {
        await job.moveToDelayed(Date.now() + IN_PROGRESS_DELAY_MS, token)
        throw new DelayedError()
      }
      const made = await makeTranscode(options, job, track, run)
      await failedSources.forget(path) // another version of it may have failed
      return made
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
      await checkUnchanged(library, track)
      const reason = error.message.replaceAll(track.realPath, path)
      await failedSources.record(path, { version: track.version, reason })
      throw unrecoverable('source-broken', reason)
    } finally {
      await track.close()
    }
  }

  /**
   * Looks for the cached file. Where there is one, it deletes segments that were left: a worker may have died after it had
   * published the file.
   *
   * @returns its path, relative to the cache directory; undefined where it is absent, stale or outdated
   */
  async function findCached (track: Track, quality: TranscodeQuality): Promise<string | undefined> {
    const found = await cache.find(track, quality)
    if (found.status === 'miss') return undefined
    await found.file.close()
    if (found.isOutdated) return undefined
    if (found.file.provenance) await cache.segments(track, quality, found.file.provenance.samples).remove()
    return found.path
  }

  /** Whether another worker is writing the file: one that lost its lock, but still runs and may have listeners. */
  async function isInProgress (track: Track, quality: TranscodeQuality): Promise<boolean> {
    const growing = await cache.findGrowing(track, quality)
    if (growing instanceof GrowingFile) await growing.close()
    return growing !== undefined
  }
}

function parse (data: unknown): TranscodeJob {
  try {
    return parseTranscodeJob(data)
  } catch (error) {
    throw unrecoverable('invalid-job', (error as Error).message)
  }
}
