import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Tracks of 30 s. The notes of a chord, in Hz, sound one after the other. */
const TRACKS = [
  { path: 'demo/first-light/01-dawn.flac', title: 'Dawn', notes: [261.63, 329.63, 392.0] },
  { path: 'demo/first-light/02-noon.wav', title: 'Noon', notes: [293.66, 369.99, 440.0] },
  { path: 'demo/first-light/03-dusk.ogg', title: 'Dusk', notes: [220.0, 261.63, 329.63] },
  { path: 'demo/first-light/04-night.m4a', title: 'Night', notes: [196.0, 233.08, 293.66] },
  { path: 'demo/first-light/05-again.mp3', title: 'Again', notes: [261.63, 349.23, 440.0] }
]

/**
 * Makes demo tracks in common formats. Existing files are kept. Throws where ffmpeg fails.
 *
 * @param {string} dir becomes MUSIC_ROOT
 */
export function makeDemoLibrary (dir) {
  TRACKS.forEach(({ path, title, notes }, index) => {
    const file = join(dir, path)
    if (existsSync(file)) return
    if (index === 0) console.log(`Making a demo library in ${dir} …`)
    mkdirSync(dirname(file), { recursive: true })
    const tone = notes.map((hz, i) => `0.2*sin(2*PI*${hz}*t)*exp(-3*mod(t+${3 - i}*0.25\\,1))`).join('+')
    const unfinished = file.replace(/([^/]+)$/, '.$1')
    const { status, stderr } = spawnSync('ffmpeg', [
      '-v', 'error', '-y', '-f', 'lavfi', '-i', `aevalsrc=${tone}|${tone}:s=44100:d=30`,
      '-metadata', `title=${title}`, '-metadata', 'artist=Demo', '-metadata', 'album=First Light',
      '-metadata', `track=${index + 1}`, '-metadata', 'date=2026', '-metadata', 'genre=Ambient',
      unfinished
    ], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`ffmpeg could not make ${path}: ${stderr}`)
    renameSync(unfinished, file)
  })
}
