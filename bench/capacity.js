/**
 * `node bench/capacity.js [name=value …]`: what a number of listeners needs, by arithmetic from measured rates. docs/scaling.md
 * explains the formulas, and shows its output. Every input can be replaced by one that was measured on other machines.
 */

/** Measured on one core of docs/performance.md; `npm run bench serve` and `npm run bench cold` measure them anew. */
const measured = {
  listeners: 2000, // slow listeners of one streaming process, of whom the slowest got 96 % of its rate …
  listenerRate: 65536, // … of so many bytes/s
  listenersMiB: 240, // memory of that process
  fewListeners: 200, // the same with fewer listeners
  fewListenersMiB: 93,
  ranges: 4541, // requests/s, each a range of 64 KiB
  transcodeSeconds: 79.3, // CPU and wall time of a worker with one slot for a track of transcodedMinutes
  transcodedMinutes: 120
}

/** Not measured: they depend on the listeners. Count yours at /admin/. */
const assumed = {
  kbit: 192, // per second, the mean of what is heard
  requestSeconds: 6.4, // one request for so much audio, as HLS makes them
  missShare: 0.01, // of what is heard was never heard before at this quality
  trackMinutes: 4,
  load: 0.5, // of a core is used, so that one of two may fail
  cdnShare: 0.95 // of the bytes come from a CDN, where there is one
}

const inputs = { ...measured, ...assumed }
for (const argument of process.argv.slice(2)) {
  const [name, value] = argument.split('=')
  if (!(name in inputs) || !(Number(value) > 0)) {
    console.error(`"${argument}" is no input. Allowed: name=value with a number above 0, and a name of ${Object.keys(inputs).join(', ')}`)
    process.exit(1)
  }
  inputs[name] = Number(value)
}
const i = inputs

const bytesPerListener = i.kbit * 1000 / 8
const requestsPerListener = 1 / i.requestSeconds
const miBPerListener = (i.listenersMiB - i.fewListenersMiB) / (i.listeners - i.fewListeners)
const miBPerProcess = i.fewListenersMiB - i.fewListeners * miBPerListener
// A core is busy with bytes or with requests, whatever comes first.
const listenersPerCore = Math.min(i.listeners * i.listenerRate / bytesPerListener, i.ranges / requestsPerListener)
const trackMinutesPerCoreHour = i.transcodedMinutes / (i.transcodeSeconds / 3600)

console.log(`One core: ${round(listenersPerCore)} listeners, ${round(i.ranges)} requests/s, ${round(trackMinutesPerCoreHour)} track-minutes transcoded an hour
One process: ${round(miBPerProcess)} MiB, and ${round(miBPerListener * 1024)} KiB for each listener
One track of ${i.trackMinutes} minutes at all qualities: ${round((256 + 192 + 128) / 8 * i.trackMinutes * 60 / 1000)} MB of the cache
`)
print(['listeners', 'Gbit/s', 'requests/s', 'streaming cores', 'memory GiB', 'track-min/h', 'worker cores', 'jobs/s', 'Gbit/s by CDN', 'cores by CDN'])
for (let power = 1; power <= 6; power++) {
  const listeners = 10 ** power
  const cores = Math.ceil(listeners / listenersPerCore / i.load)
  const trackMinutes = listeners * 60 * i.missShare
  const behindCdn = listeners * (1 - i.cdnShare)
  print([
    listeners.toLocaleString('en'),
    round(gigabits(listeners)),
    round(listeners * requestsPerListener),
    cores,
    round((cores * miBPerProcess + listeners * miBPerListener) / 1024),
    round(trackMinutes),
    Math.ceil(trackMinutes / trackMinutesPerCoreHour / i.load),
    round(trackMinutes / i.trackMinutes / 3600),
    round(gigabits(behindCdn)),
    Math.ceil(behindCdn / listenersPerCore / i.load)
  ])
}

function gigabits (listeners) {
  return listeners * bytesPerListener * 8 / 1e9
}

/** Two significant digits, and whole numbers from 10. */
function round (number) {
  const rounded = number < 10 ? Number(number.toPrecision(2)) : Math.round(number)
  return rounded.toLocaleString('en', { maximumFractionDigits: 6 })
}

function print (cells) {
  console.log(cells.map(cell => `${cell}`.padStart(17)).join('').trimEnd())
}
