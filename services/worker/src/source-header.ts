import { parseFile, type IAudioMetadata, type ICommonTagsResult } from 'music-metadata'
import { SAMPLE_RATE, type Tags } from '@mixtape/mp3'
import { mp4Length } from './mp4-length.ts'
import { oggLength } from './ogg-length.ts'
import type { Probe } from './probe.ts'

/** iTunes states the gapless length here where it writes no edit list. The fourth number is that length, in samples. */
const GAPLESS = /^(?:\s*[\da-f]{8}){3}\s+([\da-f]{16})\b/i

/** The tags of an MP4 that a transcode keeps, beside those that have a name of their own. */
const MP4_TAGS: Record<string, string> = {
  '©nam': 'title',
  '©ART': 'artist',
  '©alb': 'album',
  aART: 'album_artist',
  trkn: 'track',
  disk: 'disc',
  '©day': 'date',
  '©gen': 'genre',
  gnre: 'genre'
}

/**
 * Reads length and tags of a source in this process: it takes a few milliseconds, where starting ffprobe takes 50 to 150.
 * `npm run bench cold` measures it.
 *
 * @param input absolute path
 * @returns undefined where the file does not state its length, or states it or its tags in a way that is left to ffprobe
 */
export async function readHeader (input: string, signal: AbortSignal): Promise<Probe | undefined> {
  const metadata = await parseFile(input, { skipCovers: true, duration: false }).catch(() => undefined)
  if (!metadata) return undefined
  const { container, codec, lossless, sampleRate = 0, duration = 0 } = metadata.format
  let seconds: number | undefined
  let tags: Tags | undefined
  if (container === 'FLAC') [seconds, tags] = [duration, vorbisTags(metadata)]
  // A WAV with a fact chunk counts as lossy. Its sample count may be wrong, and ffmpeg ignores it.
  if (container === 'WAVE' && lossless) [seconds, tags] = [duration, wavTags(metadata)]
  if (codec === 'Vorbis I' || codec === 'Opus') {
    const samples = await oggLength(input, signal).catch(() => undefined)
    seconds = samples && samples / (codec === 'Opus' ? 48_000 : sampleRate)
    tags = vorbisTags(metadata)
  }
  if (codec === 'ALAC' || codec === 'MPEG-4/AAC') {
    tags = mp4Tags(metadata)
    seconds = await mp4Seconds(input, sampleRate, metadata).catch(() => undefined)
  }
  // A division and a multiplication may leave a hair more than a whole number of samples.
  const samples = Math.ceil((seconds ?? 0) * SAMPLE_RATE - 1e-4)
  if (!tags || !Number.isSafeInteger(samples) || samples <= 0) return undefined
  return { samples, isSeekable: lossless === true, startTime: 0, isCertain: lossless === true, tags }
}

/** @returns the length of the edit list; without one that of iTunes' note, or of the media; undefined where none is clear */
async function mp4Seconds (input: string, sampleRate: number, { native }: IAudioMetadata): Promise<number | undefined> {
  const length = await mp4Length(input)
  if (!length || length.isEdited) return length?.seconds
  const note = native.iTunes?.find(({ id }) => id.endsWith(':iTunSMPB'))?.value
  const [, samples] = GAPLESS.exec(`${note}`) ?? []
  return samples ? parseInt(samples, 16) / sampleRate : length.seconds
}

/** The Vorbis comments. As in ffprobe, several comments of one name are joined with semicolons. */
function vorbisTags ({ native: { vorbis = [] } }: IAudioMetadata): Tags {
  const texts = new Map<string, string>()
  for (const { id, value } of vorbis) {
    if (typeof value !== 'string') continue
    const name = id.toLowerCase()
    texts.set(name, texts.has(name) ? `${texts.get(name)};${value}` : value)
  }
  return tagsOf(texts)
}

function mp4Tags ({ native: { iTunes = [] } }: IAudioMetadata): Tags {
  return tagsOf(iTunes.flatMap(({ id, value }): [string, string][] => {
    const name = MP4_TAGS[id] ?? id.split(':').at(-1)
    return typeof value === 'string' && name ? [[name, value.replace(/^0?\/0$|\/0$/, '')]] : []
  }))
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
