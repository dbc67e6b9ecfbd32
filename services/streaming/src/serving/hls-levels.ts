import type { AudioCache } from '@mixtape/audio-cache'
import type { Track } from '@mixtape/library'
import { extension } from '@mixtape/track-paths'
import type { Quality, TranscodeQuality } from '@mixtape/mp3'
import { decide, type Decision } from './decision.ts'
import { FrameIndexes } from './frame-index.ts'
import { peakBandwidth, transcodeBandwidth, transcodeFrames, type AudioFrames } from './hls-segments.ts'
import type { LiveTranscodes } from './live-transcodes.ts'

/** Levels of a track that is transcoded. Players start on the first, and `medium` is the default of a listener. */
const TRANSCODE_LEVELS: TranscodeQuality[] = ['medium', 'low', 'high']

/** The levels at which tracks are offered by HLS, and their MP3s. */
export class HlsLevels {
  readonly #cache: AudioCache | undefined
  readonly #live: LiveTranscodes | undefined
  readonly #indexes = new FrameIndexes()

  /**
   * @param cache undefined where caching is disabled
   * @param live undefined where only cached levels can be played
   */
  constructor (cache: AudioCache | undefined, live: LiveTranscodes | undefined) {
    this.#cache = cache
    this.#live = live
  }

  /** @returns the levels of a track, the one to start with first; none where HLS is not offered for it */
  of ({ path }: Track): Quality[] {
    if (this.#cache?.shouldTranscode(path)) return TRANSCODE_LEVELS
    return extension(path) === '.mp3' ? ['original'] : []
  }

  /** @returns the largest bit rate of the segments, in bit/s; undefined for a level that cannot be played now */
  async bandwidth (track: Track, level: Quality): Promise<number | undefined> {
    if (level === 'original') {
      const frames = await this.#indexes.of(track)
      return frames && peakBandwidth(frames)
    }
    if (this.#live) return transcodeBandwidth(level)
    const found = await this.#cache?.find(track, level)
    if (found?.status !== 'hit') return undefined
    await found.file.close()
    return transcodeBandwidth(level)
  }

  /**
   * Opens the MP3 of a level, and has it made where it is missing. The caller must close() the file, unless it is the
   * track itself.
   *
   * @returns a decision whose outcome is `miss` where the MP3 is not there yet
   */
  async open (track: Track, level: Quality, requestId: string): Promise<Decision> {
    // Without the headers of the request: no client of HLS is bound to the original.
    return await decide(track, level, { headers: {}, id: requestId }, this.#cache, this.#live)
  }

  /** @returns undefined for a file that is no MP3, whatever its name */
  async frames ({ outcome, file }: Decision, level: Quality): Promise<AudioFrames | undefined> {
    const isTranscode = outcome === 'hit' || outcome === 'live'
    return (isTranscode && transcodeFrames(file, level as TranscodeQuality)) || await this.#indexes.of(file)
  }
}
