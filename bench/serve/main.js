import { cpuSeconds } from '../proc.js'
import { median } from '../services.js'
import { narrowReceiveBuffers, slowListeners } from './listeners.js'
import { servers, start } from './servers.js'
import { makeSite } from './site.js'
import { etags, workloads } from './workloads.js'

const ROUNDS = Number(process.env.BENCH_ROUNDS || 5)
const SECONDS = Number(process.env.BENCH_SECONDS || 5)
const WARM_UP_SECONDS = Math.min(SECONDS, 2)
const SLOW_SECONDS = 10
/** Fewer rounds, because each takes long and memory differs little between rounds. */
const SLOW_ROUNDS = Math.min(ROUNDS, 3)

/** `npm run bench serve` runs this program in a private network. It sends its tables to the parent process. */
process.on('disconnect', () => process.exit(1))
const site = await makeSite()
const isPrivate = process.argv[2] === 'private'
const rateTables = await compareRates()
const listenerTables = await compareSlowListeners()
await site.stop()
process.send({ ...rateTables, ...listenerTables }, () => process.exit(0))

/** Measures the rates of warm servers, one server at a time. */
async function compareRates () {
  const peers = []
  for (const [name, server] of Object.entries(servers(site))) {
    const started = await start(site.dir, name, server)
    peers.push({ ...started, etags: await etags(started, site) })
  }
  const loads = Object.entries(workloads(site))
  const results = loads.map(() => peers.map(() => []))
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [i, [, { run, amount }]] of loads.entries()) {
      for (const [j, peer] of peers.entries()) {
        if (round === 0) await run(peer, WARM_UP_SECONDS)
        else results[i][j].push(await measure(peer, run, amount))
      }
    }
  }
  for (const peer of peers) await peer.stop()
  const hits = results[1][0]
  return Object.fromEntries(loads.map(([title, { unit }], i) => [
    `serve: ${title}`,
    peers.map(({ name }, j) => ({
      server: name,
      ...figures(results[i][j], unit),
      ...ratios(results[i][j], { nginx: results[i][1], tuned: results[i][3] }),
      ...title.startsWith('misses') && ratios(results[i][j], j === 0 && { 'our hits': hits })
    }))
  ]))
}

async function measure (peer, run, amount) {
  const before = cpuSeconds(peer.pids)
  const result = await run(peer, SECONDS)
  const cpu = cpuSeconds(peer.pids) - before
  return { rate: amount(result) / result.seconds, perCpu: amount(result) / cpu, busy: cpu / result.seconds, ...result }
}

function figures (results, unit) {
  const medianOf = (key, digits = 0) =>
    results[0][key] === undefined ? undefined : Number(median(results.map(result => result[key])).toFixed(digits))
  return {
    [`${unit}/s`]: medianOf('rate'),
    [`${unit} per CPU-s`]: medianOf('perCpu'),
    'cores busy': medianOf('busy', 2),
    'p50 ms': medianOf('p50', 1),
    'p99 ms': medianOf('p99', 1)
  }
}

/** @returns the medians of the ratios in each round. A disturbance of one round affects all servers in it. */
function ratios (results, others) {
  const ratio = (other, key) => Number(median(results.map((result, round) => result[key] / other[round][key])).toFixed(2))
  return Object.fromEntries(Object.entries(others || {}).flatMap(([name, other]) => [
    [`× ${name}`, ratio(other, 'rate')],
    [`× ${name} per CPU-s`, ratio(other, 'perCpu')]
  ]))
}

/** Starts each server anew for each measurement, so that its memory is that of these listeners. */
async function compareSlowListeners () {
  if (isPrivate) narrowReceiveBuffers()
  const all = Object.entries(servers(site))
  const cases = [...all.map(([name, server]) => ({ name, server, count: 200 })), { name: 'ours', server: all[0][1], count: 2000 }]
  const results = cases.map(() => [])
  for (let round = 0; round < SLOW_ROUNDS; round++) {
    for (const [i, { name, server, count }] of cases.entries()) {
      const started = await start(site.dir, name, server)
      await etags(started, site)
      results[i].push(await slowListeners({
        ...started, count, seconds: SLOW_SECONDS, paths: site.tracks.map(server.flac), head: server.mp3(site.tracks[0])
      }))
      await started.stop()
    }
  }
  const medianOf = (i, key, digits) => Number(median(results[i].map(result => result[key])).toFixed(digits))
  return {
    'serve: listeners to FLACs at 64 KiB/s': cases.map(({ name, count }, i) => ({
      server: name,
      listeners: count,
      'PSS MiB': medianOf(i, 'pss', 0),
      'KiB each': medianOf(i, 'each', 0),
      'slowest at % of its rate': Math.floor(medianOf(i, 'slowest', 4) * 100),
      'others\' HEAD p50 ms': medianOf(i, 'p50', 1),
      p99: medianOf(i, 'p99', 1)
    }))
  }
}
