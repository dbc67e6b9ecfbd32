import type { OverviewBody } from '@mixtape/streaming/schemas/overview'
import { count, megabytes, print, table } from '../output.ts'
import { EXIT, type Server } from '../server.ts'

/** What the jobs that wait are for, by lane, in the words of the page at /admin/. */
const LANES: Record<string, string> = { miss: 'listeners', mixtape: 'mixtapes', warm: 'popular', nightly: 'nightly' }

const sum = (numbers: Record<string, number>) => Object.values(numbers).reduce((total, number) => total + number, 0)

/** Shows the numbers of the page at /admin/. @returns 1 where Redis or all workers are away */
export async function stats (server: Server, { json }: { json?: boolean }): Promise<number> {
  const overview = await server.get<OverviewBody>('/admin/overview')
  const { redis, queue, workers, failed, cache, listeners, traffic } = overview
  const alive = workers?.filter(({ alive }) => alive) ?? []
  const unknown = 'unknown: Redis does not answer'
  const rate = (value: number | null) => value === null ? 'none started' : `${Math.round(value * 100)} %`
  const levels = [...Object.entries(cache.by_quality), ['covers', cache.covers] as const]
  print(json, overview, table([
    ['Hit rate', traffic ? `${rate(traffic.now.rate)} now, ${rate(traffic.hour.rate)} last hour, ${rate(traffic.day.rate)} last day, ${rate(traffic.month.rate)} last month (of plays at high, medium and low)` : unknown],
    ['Sent', traffic ? `${megabytes(sum(traffic.day.bytes_sent))} last day, ${megabytes(sum(traffic.month.bytes_sent))} last month` : unknown],
    ['Saved', cache.bytes_saved === null ? unknown : `${megabytes(cache.bytes_saved)} since the first start`],
    ['Listeners', listeners ? `${sum(listeners)} (${Object.entries(listeners).map(([name, number]) => `${name} ${number}`).join(', ')})` : unknown],
    ['Queue', queue ? describeQueue(queue) : unknown],
    ['Workers', workers ? alive.map(({ host, pid, draining }) => `${host} ${pid}${draining ? ' (draining)' : ''}`).join(', ') || 'none' : unknown],
    ['Failed', failed ? count(new Set([...failed.jobs, ...failed.sources].map(({ path }) => path)).size, 'track') : unknown],
    ['Cache', `${megabytes(cache.cache_size_bytes)}${cache.max_size_bytes === null ? '' : ` of ${megabytes(cache.max_size_bytes)}`} (${levels.map(([name, { files }]) => `${name} ${files}`).join(', ')} files)`]
  ]))
  return redis && alive.length > 0 ? EXIT.ok : EXIT.found
}

function describeQueue ({ paused, running, waiting, delayed }: NonNullable<OverviewBody['queue']>): string {
  const lanes = Object.entries(waiting).map(([lane, { jobs }]) => `${LANES[lane] ?? lane} ${jobs}`)
  return [
    ...paused ? ['paused'] : [], `${running.length} running`, `waiting: ${lanes.join(', ')}`,
    ...delayed > 0 ? [`${delayed} for another attempt, or for space`] : []
  ].join('; ')
}
