import { parseFile, type IAudioMetadata, type ICommonTagsResult } from 'music-metadata'
import { SAMPLE_RATE, type Tags } from '@mixtape/mp3'
import type { Probe } from './probe.ts'

/**
 * Reads length and tags of a FLAC or WAV from its header, in this process: it takes a few milliseconds, where
 * starting ffprobe takes about 50. `npm run bench cold` measures it: headers after 25 ms instead of 129 to 153.
 *
 * Other formats are left to ffprobe. The header of an Ogg or AAC does not state its exact length. An ALAC may have an edit list, which
 * music-metadata does not read.
 *
 * @param input absolute path
 * @returns undefined where the header does not state the exact length, or ffprobe is needed to read the tags
 */
export async function readHeader (input: string): Promise<Probe | undefined> {
  const metadata = await parseFile(input, { skipCovers: true, duration: false }).catch(() => undefined)
  if (!metadata) return undefined
  const { container, lossless, sampleRate = 0, duration = 0 } = metadata.format
  // A WAV with a fact chunk counts as lossy. Its sample count may be wrong, and ffmpeg ignores it.
  if (!lossless || (container !== 'FLAC' && container !== 'WAVE')) return undefined
  const sourceSamples = Math.round(duration * sampleRate)
  if (!Number.isSafeInteger(sourceSamples) || sourceSamples <= 0) return undefined
  const tags = container === 'FLAC' ? flacTags(metadata) : wavTags(metadata)
  return tags && { sourceSamples, samples: Math.ceil((sourceSamples * SAMPLE_RATE) / sampleRate), isSeekable: true, tags }
}

/** The Vorbis comments. As in ffprobe, several comments of one name are joined with semicolons. */
function flacTags ({ native: { vorbis = [] } }: IAudioMetadata): Tags {
  const texts = new Map<string, string>()
  for (const { id, value } of vorbis) {
    if (typeof value !== 'string') continue
    const name = id.toLowerCase()
    texts.set(name, texts.has(name) ? `${texts.get(name)};${value}` : value)
  }
  return tagsOf(texts)
}

/** @returns undefined where a text is not ASCII: music-metadata reads the INFO chunk as Latin-1, and ffprobe as UTF-8 */
function wavTags ({ common, native }: IAudioMetadata): Tags | undefined {
  const texts = Object.values(native).flat().map(({ value }) => value)
  if (texts.some(text => typeof text !== 'string' || /[^\x20-\x7e]/.test(text))) return undefined
  return {
    title: common.title,
    artist: common.artist,
    album: common.album,
    track: position(common.track),
    date: common.date ?? common.year?.toString(),
    genre: common.genre?.join(';')
  }
}

function position ({ no, of }: ICommonTagsResult['track']): string | undefined {
  if (no === null) return undefined
  return of === null ? `${no}` : `${no}/${of}`
}

/** @param entries names in any case, and texts. Some tags have several names: those of ffprobe and of Vorbis comments */
export function tagsOf (entries: Iterable<[string, string]>): Tags {
  const tags = Object.fromEntries([...entries].map(([name, text]) => [name.toLowerCase(), text]))
  return {
    ...tags,
    album_artist: tags.album_artist ?? tags.albumartist,
    track: tags.track ?? tags.tracknumber,
    disc: tags.disc ?? tags.discnumber,
    date: tags.date ?? tags.year
  } as Tags
}
