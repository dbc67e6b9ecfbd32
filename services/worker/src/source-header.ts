import { parseFile, type IAudioMetadata, type ICommonTagsResult } from 'music-metadata'
import { SAMPLE_RATE, type Tags } from '@mixtape/mp3'
import type { Probe } from './probe.ts'

/**
 * Formats whose header states the exact sample count: FLAC in STREAMINFO, WAV in the size of its data chunk, ALAC in the
 * sample table of MP4. The numbers are WAVE_FORMAT_IEEE_FLOAT and WAVE_FORMAT_EXTENSIBLE.
 */
const EXACT = new Set(['FLAC FLAC', 'WAVE PCM', 'WAVE non-PCM (3)', 'WAVE non-PCM (65534)', 'M4A ALAC'])

const REPLAY_GAIN = /replaygain_(track|album)_(gain|peak)$/i

/**
 * Reads length and tags of a source from its header, in this process: it takes 2 ms, starting ffprobe takes 50 ms.
 *
 * @param input absolute path
 * @returns undefined where the header does not state the exact length, or cannot be read
 */
export async function readHeader (input: string): Promise<Probe | undefined> {
  const metadata = await parseFile(input, { skipCovers: true, duration: false }).catch(() => undefined)
  if (!metadata) return undefined
  const { container = '', codec, sampleRate, duration } = metadata.format
  if (!EXACT.has(`${container.split('/', 1)[0]} ${codec}`) || !sampleRate || !duration) return undefined
  const sourceSamples = Math.round(duration * sampleRate)
  return {
    sourceSamples,
    samples: Math.ceil((sourceSamples * SAMPLE_RATE) / sampleRate),
    tags: tagsOf(metadata)
  }
}

/** The same texts as ffprobe's: `3/9` for a track number, several genres with semicolons, ReplayGain as it is stored. */
function tagsOf ({ common, native }: IAudioMetadata): Tags {
  const replayGain = Object.values(native).flat().flatMap(({ id, value }) => {
    const [name] = REPLAY_GAIN.exec(id) ?? []
    return name === undefined ? [] : [[name.toLowerCase(), `${value}`]]
  })
  return {
    title: common.title,
    artist: common.artist,
    album: common.album,
    album_artist: common.albumartist,
    track: position(common.track),
    disc: position(common.disk),
    date: common.date ?? common.year?.toString(),
    genre: common.genre?.join(';'),
    ...Object.fromEntries(replayGain)
  }
}

function position ({ no, of }: ICommonTagsResult['track']): string | undefined {
  if (no === null) return undefined
  return of === null ? `${no}` : `${no}/${of}`
}
