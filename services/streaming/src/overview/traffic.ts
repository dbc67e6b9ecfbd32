import type { FastifyInstance } from 'fastify'
import { hitRate, spans, sumOf, type Span, type TrafficCounts } from '@mixtape/statistics'
import { isoTime } from '../schemas/queue.ts'
import type { SharedResult } from './shared-result.ts'

/** Minutes that count as now. */
const NOW_BUCKETS = 5

export interface LongSpans {
  day: TrafficCounts
  month: TrafficCounts
}

/** @returns sums of the last day and month, which have 264 buckets in Redis */
export async function longSpans ({ statistics: { traffic } }: FastifyInstance): Promise<LongSpans> {
  const [day, month] = await Promise.all([traffic.series('day'), traffic.series('month')])
  return { day: sumOf(day), month: sumOf(month) }
}

/** @returns sums of the last five minutes, hour, day and month */
export async function trafficOverview ({ statistics: { traffic } }: FastifyInstance, long: SharedResult<LongSpans>) {
  const [hour, { day, month }] = await Promise.all([traffic.series('hour'), long.read()])
  return {
    now: describe(sumOf(hour.slice(-NOW_BUCKETS))),
    hour: describe(sumOf(hour)),
    day: describe(day),
    month: describe(month)
  }
}

/** @returns the body of GET /admin/traffic */
export async function trafficHistory ({ statistics: { traffic } }: FastifyInstance, span: Span) {
  const series = await traffic.series(span)
  return {
    span,
    bucket_seconds: spans[span].bucketMs / 1000,
    total: describe(sumOf(series)),
    buckets: series.map(({ time, ...counts }) => ({ time: isoTime(time), ...describe(counts) }))
  }
}

function describe (counts: TrafficCounts) {
  const { hits, misses, bytesSaved, bytesSent } = counts
  return { hits, misses, rate: hitRate(counts), bytes_saved: bytesSaved, bytes_sent: bytesSent }
}
