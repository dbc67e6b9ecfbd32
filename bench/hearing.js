/**
 * Measures of the difference between two signals: a plain one, and a simple model of hearing after ITU-R BS.1387 (PEAQ).
 * The model is good enough to compare two encodings of one signal, not to judge one by itself.
 */
const SIZE = 2048
const HOP = 1024

/**
 * @param {Float32Array} original
 * @param {Float32Array} decoded
 * @returns {number} dB
 */
export function signalToNoise (original, decoded) {
  let signal = 0
  let noise = 0
  for (let i = 0; i < Math.min(original.length, decoded.length); i++) {
    signal += original[i] ** 2
    noise += (original[i] - decoded[i]) ** 2
  }
  return 10 * Math.log10(signal / noise)
}

/**
 * The level of the noise above the threshold at which the signal masks it, per frame of 46 ms: the loudest Bark band
 * counts. Frames of silence are left out.
 *
 * @param {Float32Array} original
 * @param {Float32Array} decoded
 * @param {number} rate in Hz
 * @returns {{ mean: number, worst: number }} dB; `worst` is the mean of the worst 1 % of frames
 */
export function noiseToMask (original, decoded, rate) {
  const ratios = []
  const length = Math.min(original.length, decoded.length)
  const difference = new Float32Array(length).map((_, i) => original[i] - decoded[i])
  for (let start = 0; start + SIZE <= length; start += HOP) {
    const signal = barkBands(powerSpectrum(original, start), rate)
    if (signal.reduce((sum, power) => sum + power) < 1e-9) continue
    const noise = barkBands(powerSpectrum(difference, start), rate)
    ratios.push(Math.max(...noise.map((power, band) => 10 * Math.log10((power + 1e-15) / maskingThreshold(signal, band)))))
  }
  ratios.sort((a, b) => b - a)
  const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length
  return { mean: mean(ratios), worst: mean(ratios.slice(0, Math.max(1, Math.floor(ratios.length / 100)))) }
}

/** Masking falls by 25 dB per Bark towards lower bands and by 10 dB towards higher ones, 8 dB below the signal. */
function maskingThreshold (signal, band) {
  let threshold = 1e-12 // about the threshold in quiet, for full scale at 96 dB
  signal.forEach((power, masker) => {
    const slope = masker > band ? 25 * (masker - band) : 10 * (band - masker)
    threshold += power * 10 ** (-(8 + slope) / 10)
  })
  return threshold
}

function barkBands (spectrum, rate) {
  const bands = new Array(25).fill(0)
  spectrum.forEach((power, bin) => {
    const hz = bin * rate / SIZE
    const bark = 13 * Math.atan(0.00076 * hz) + 3.5 * Math.atan((hz / 7500) ** 2) // Zwicker
    bands[Math.min(Math.floor(bark), 24)] += power
  })
  return bands
}

/** @returns the power of each bin, with a Hann window */
function powerSpectrum (samples, start) {
  const re = new Float64Array(SIZE)
  const im = new Float64Array(SIZE)
  for (let i = 0; i < SIZE; i++) re[i] = samples[start + i] * (0.5 - 0.5 * Math.cos(2 * Math.PI * i / SIZE))
  transform(re, im)
  return Array.from({ length: SIZE / 2 }, (_, bin) => (re[bin] ** 2 + im[bin] ** 2) / SIZE ** 2)
}

/** Radix-2 FFT in place. */
function transform (re, im) {
  for (let i = 1, j = 0; i < SIZE; i++) {
    let bit = SIZE >> 1
    for (; j & bit; bit >>= 1) j ^= bit
    j ^= bit
    if (i < j) [re[i], re[j], im[i], im[j]] = [re[j], re[i], im[j], im[i]]
  }
  for (let length = 2; length <= SIZE; length <<= 1) {
    const angle = -2 * Math.PI / length
    for (let i = 0; i < SIZE; i += length) {
      for (let k = 0; k < length / 2; k++) {
        const [a, b] = [i + k, i + k + length / 2]
        const [cos, sin] = [Math.cos(angle * k), Math.sin(angle * k)]
        const [x, y] = [re[b] * cos - im[b] * sin, re[b] * sin + im[b] * cos]
        re[b] = re[a] - x
        im[b] = im[a] - y
        re[a] += x
        im[a] += y
      }
    }
  }
}
