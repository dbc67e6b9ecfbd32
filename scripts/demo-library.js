import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { drawCover } from './demo-covers.js'

/** The albums of the demo library. The notes of a track, in half steps from the root, sound one after the other. */
const ALBUMS = [
  {
    folder: 'demo/first-light',
    album: 'First Light',
    artist: 'Demo',
    root: 261.63,
    speed: 1,
    cover: { motif: 'sun', colours: ['#ffb25e', '#c2304f'] },
    tracks: [
      ['01-dawn.flac', 'Dawn', [0, 4, 7, 12]], ['02-noon.wav', 'Noon', [2, 6, 9, 14]], ['03-dusk.ogg', 'Dusk', [-3, 0, 4, 7]],
      ['04-night.m4a', 'Night', [-5, -2, 2, 5]], ['05-again.mp3', 'Again', [0, 5, 9, 12]]
    ]
  },
  {
    folder: 'The Harbour/Low Tide',
    album: 'Low Tide',
    artist: 'The Harbour',
    root: 196,
    speed: 0.75,
    cover: { motif: 'waves', colours: ['#2bb3c0', '#17355c'] },
    tracks: [
      ['01 Ebb.flac', 'Ebb', [0, 7, 12, 16]], ['02 Salt.flac', 'Salt', [0, 3, 7, 10]], ['03 Gulls.flac', 'Gulls', [5, 9, 12, 17]],
      ['04 Moorings.flac', 'Moorings', [-2, 2, 5, 10]]
    ]
  },
  {
    folder: 'Line 9/Night Bus',
    album: 'Night Bus',
    artist: 'Line 9',
    root: 220,
    speed: 2,
    cover: { motif: 'city', colours: ['#5b3fa0', '#e0567a'] },
    tracks: [
      ['01 Stop Requested.flac', 'Stop Requested', [0, 3, 7, 10]], ['02 Ring Road.flac', 'Ring Road', [0, 5, 7, 12]],
      ['03 Last Seat.flac', 'Last Seat', [-4, 0, 3, 8]], ['04 Terminus.flac', 'Terminus', [0, 3, 7, 12]]
    ]
  },
  {
    folder: 'Fern & Moss/Understorey',
    album: 'Understorey',
    artist: 'Fern & Moss',
    root: 174.61,
    speed: 1.25,
    cover: { motif: 'leaves', colours: ['#3f9b63', '#123b33'] },
    tracks: [
      ['01 Canopy.flac', 'Canopy', [0, 4, 9, 12]], ['02 Lichen.flac', 'Lichen', [2, 5, 9, 14]], ['03 Spores.flac', 'Spores', [-3, 2, 5, 9]]
    ]
  }
]

const SECONDS = 30

/** In Hz. */
const RATE = 44100

/**
 * Makes demo albums in common formats, with covers. Existing files are kept. Throws where ffmpeg fails.
 *
 * @param {string} dir becomes MUSIC_ROOT
 */
export async function makeDemoLibrary (dir) {
  if (!existsSync(join(dir, ALBUMS[0].folder, ALBUMS[0].tracks[0][0]))) console.log(`Making a demo library in ${dir} …`)
  for (const { folder, cover, tracks, ...album } of ALBUMS) {
    const picture = join(dir, folder, 'cover.jpg')
    mkdirSync(dirname(picture), { recursive: true })
    if (!existsSync(picture)) writeFileSync(picture, await drawCover(cover))
    await Promise.all(tracks.map(([name, title, notes], index) =>
      makeTrack(join(dir, folder, name), { title, notes, track: `${index + 1}/${tracks.length}`, ...album })))
  }
}

async function makeTrack (file, { title, artist, album, track, notes, root, speed }) {
  if (existsSync(file)) return
  const unfinished = file.replace(/([^/]+)$/, '.$1')
  try {
    await promisify(execFile)('ffmpeg', [
      '-v', 'error', '-y', '-f', 'lavfi',
      '-i', bar(notes, root, speed),
      '-af', `aloop=loop=-1:size=${Math.round(barLength(notes, speed) * RATE)},atrim=end=${SECONDS},afade=d=1,afade=t=out:st=${SECONDS - 2}:d=2`,
      ...Object.entries({ title, artist, album, track, date: 2026, genre: 'Ambient' }).flatMap(([name, value]) => ['-metadata', `${name}=${value}`]),
      unfinished
    ])
  } catch (error) {
    throw new Error(`ffmpeg could not make ${file}: ${error.stderr || error.message}`)
  }
  renameSync(unfinished, file)
}

/** In seconds. */
function barLength (notes, speed) {
  return notes.length / (2 * speed)
}

/**
 * One bar, which is repeated: notes that are plucked in turn over a low tone. The frequencies are whole multiples of the
 * bar's, so that no click is heard where it starts again.
 */
function bar (notes, root, speed) {
  const length = barLength(notes, speed)
  const hz = halfSteps => Math.round(root * 2 ** (halfSteps / 12) * length) / length
  const channel = delay => [
    ...notes.map((note, i) => {
      const sinceStart = `mod(t+${(length - i / (2 * speed) - delay).toFixed(3)}\\,${length})`
      return `0.16*sin(2*PI*${hz(note)}*t)*exp(-2.5*${sinceStart})*min(1\\,200*${sinceStart})`
    }),
    `0.07*sin(2*PI*${hz(notes[0] - 12)}*t)`
  ].join('+')
  return `aevalsrc=${channel(0)}|${channel(0.015)}:s=${RATE}:d=${length}`
}
