import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bitrates } from '@mixtape/mp3'
import { noiseToMask, signalToNoise } from './hearing.js'

const RATE = 44100

/** Signals on which encoders are known to fail, as sources of ffmpeg's lavfi, and real music where it is installed. */
const MATERIAL = {
  castanets: 'aevalsrc=0.9*(random(0)*2-1)*exp(-90*mod(t\\,0.23)):s=44100:d=12',
  harpsichord: `aevalsrc=${harmonics(18, n => `0.2/${n}^0.6*sin(2*PI*${n}*(220+110*floor(mod(t*4\\,5)))*t)*exp(-${2 + n / 3}*mod(t\\,0.25))`)}:s=44100:d=12`,
  applause: 'aevalsrc=0.5*(random(0)*2-1)*(0.2+pow(random(1)\\,40)*4):s=44100:d=12',
  speech: 'flite=text=The quick brown fox jumps over the lazy dog. Sixty six thick thistle sticks. She sells sea shells.:voice=slt',
  'quiet piano': `aevalsrc=${harmonics(8, n => `0.01/${n * n}*sin(2*PI*${n}*(262+33*floor(mod(t*2\\,4)))*t)*exp(-3*mod(t\\,0.5))`)}:s=44100:d=12`
}

/** Debian's wesnoth-1.16-music. */
const MUSIC = '/usr/share/games/wesnoth/1.16/data/core/music'

/**
 * What it costs that no frame borrows bits from another (`-reservoir 0`): for each signal and quality, with and without
 * the bit reservoir, the signal-to-noise ratio and the noise-to-mask ratio in dB. A noise-to-mask ratio below 0 cannot
 * be heard, according to the model in hearing.js; a difference below 1 dB is hard to hear.
 *
 * @returns rows for the report
 */
export async function benchReservoir () {
  const dir = mkdtempSync(join(tmpdir(), 'bench-reservoir-'))
  const rows = []
  for (const [name, input] of inputs()) {
    const source = join(dir, 'source.wav')
    ffmpeg(...input, '-ar', `${RATE}`, '-ac', '2', '-c:a', 'pcm_s16le', source)
    const original = decode(source)
    for (const [quality, bitrate] of Object.entries(bitrates)) {
      const [on, off] = ['1', '0'].map(reservoir => {
        const file = join(dir, `${reservoir}.mp3`)
        ffmpeg('-i', source, '-c:a', 'libmp3lame', '-b:a', `${bitrate}k`, '-reservoir', reservoir, file)
        const decoded = decode(file)
        return { snr: signalToNoise(original, decoded), ...noiseToMask(original, decoded, RATE) }
      })
      rows.push({
        signal: name,
        quality,
        'SNR dB on': on.snr.toFixed(1),
        off: off.snr.toFixed(1),
        'noise to mask dB on': on.mean.toFixed(1),
        'off ': off.mean.toFixed(1),
        'worst 1 % of frames on': on.worst.toFixed(1),
        'off  ': off.worst.toFixed(1)
      })
    }
  }
  rmSync(dir, { recursive: true })
  return rows
}

function inputs () {
  const synthetic = Object.entries(MATERIAL).map(([name, source]) => [name, ['-f', 'lavfi', '-i', source]])
  const music = existsSync(MUSIC)
    ? readdirSync(MUSIC).filter(name => name.endsWith('.ogg')).sort().filter((_, i) => i % 8 === 0).slice(0, 4)
    : []
  return [...synthetic, ...music.map(name => [name, ['-ss', '30', '-t', '12', '-i', join(MUSIC, name)]])]
}

function harmonics (count, partial) {
  return Array.from({ length: count }, (_, i) => partial(i + 1)).join('+')
}

function ffmpeg (...args) {
  execFileSync('ffmpeg', ['-v', 'error', '-y', ...args])
}

/** @returns the left channel */
function decode (file) {
  const args = ['-v', 'error', '-i', file, '-af', 'pan=mono|c0=c0', '-f', 'f32le', 'pipe:1']
  const bytes = execFileSync('ffmpeg', args, { maxBuffer: 1 << 28 })
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
}
