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
/** Each takes long, and memory differs little from one to the next. */
const SLOW_ROUNDS = Math.min(ROUNDS, 3)

/** What `npm run bench serve` runs inside of its network: sends its tables to the parent. */
process.on('disconnect', () => process.exit(1))
const site = await makeSite()
const isPrivate = process.argv[2] === 'private'
const fast = await compareFast()
const slow = await compareSlow()
await site.stop()
process.send({ ...fast, ...slow }, () => process.exit(0))

/** Rates of servers that are warm, one at a time. */
async function compareFast () {
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
  const of = (key, digits = 0) => results[0][key] === undefined ? undefined : Number(median(results.map(result => result[key])).toFixed(digits))
  return {
    [`${unit}/s`]: of('rate'),
    [`${unit} per CPU-s`]: of('perCpu'),
    'cores busy': of('busy', 2),
    'p50 ms': of('p50', 1),
    'p99 ms': of('p99', 1)
  }
}

/** Medians of the ratios in each round: what disturbs a round disturbs all that is measured in it. */
function ratios (results, others) {
  const ratio = (other, key) => Number(median(results.map((result, round) => result[key] / other[round][key])).toFixed(2))
  return Object.fromEntries(Object.entries(others || {}).flatMap(([name, other]) => [
    [`× ${name}`, ratio(other, 'rate')],
    [`× ${name} per CPU-s`, ratio(other, 'perCpu')]
  ]))
}

/** Each on a fresh start, so that memory is that of these listeners. */
async function compareSlow () {
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
  const of = (i, key, digits) => Number(median(results[i].map(result => result[key])).toFixed(digits))
  return {
    'serve: listeners to FLACs at 64 KiB/s': cases.map(({ name, count }, i) => ({
      server: name,
      listeners: count,
      'PSS MiB': of(i, 'pss', 0),
      'KiB each': of(i, 'each', 0),
      'slowest at % of its rate': Math.floor(of(i, 'slowest', 4) * 100),
      'others\' HEAD p50 ms': of(i, 'p50', 1),
      p99: of(i, 'p99', 1)
    }))
  }
}
