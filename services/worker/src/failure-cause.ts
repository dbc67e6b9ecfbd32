import { UnrecoverableError } from 'bullmq'
import { MismatchError, OverrunError } from '@mixtape/audio-cache'
import { SourceError } from './run-ffmpeg.ts'

/** Why jobs fail: a bounded set for the metrics, unlike the words of ffmpeg. */
export const failureCauses = [
  'invalid-job',
  'source-gone',
  'source-changed', // while it was transcoded
  'source-broken', // ffmpeg refuses it, or it ends too early
  'not-transcodable',
  'too-large', // its MP3 alone exceeds AUDIO_CACHE_MAX_SIZE
  'mismatch', // two encoders wrote different bytes
  'stalled', // its workers died
  'other' // such as an encoder that was killed, or a disk that cannot be written
] as const

export type FailureCause = typeof failureCauses[number]

/** Makes an error after which a job is not tried again. */
export function unrecoverable (cause: FailureCause, message: string): UnrecoverableError {
  return Object.assign(new UnrecoverableError(message), { cause })
}

/** The source changed while it was being transcoded. */
export class SourceChangedError extends Error {
  override readonly cause: FailureCause = 'source-changed'
  /** Whether there is another version of it; it is gone otherwise. */
  readonly isReplaced: boolean

  constructor (isReplaced: boolean) {
    super('The source changed while it was being transcoded')
    this.isReplaced = isReplaced
  }
}

/** @returns the cause that an error of this service carries, or that its class tells */
export function causeOf (error: unknown): FailureCause {
  if (error instanceof SourceError || error instanceof OverrunError) return 'source-broken'
  if (error instanceof MismatchError) return 'mismatch'
  const isOurs = error instanceof UnrecoverableError || error instanceof SourceChangedError
  return isOurs && error.cause !== undefined ? error.cause as FailureCause : 'other'
}
