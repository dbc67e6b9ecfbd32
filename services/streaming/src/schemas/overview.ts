import { Type, type Static } from 'typebox'
import { qualities } from '@mixtape/mp3'
import { spans, type Span } from '@mixtape/statistics'
import { cacheStatsSchema } from './cache.ts'
import { failedSchema } from './failed.ts'
import { healthSchema } from './health.ts'
import { nullable } from './nullable.ts'
import { queueSchema, time, workersSchema } from './queue.ts'
import { record } from './record.ts'

const spanNames = Object.keys(spans) as Span[]

const byQuality = record(qualities, Type.Integer())

const traffic = {
  hits: Type.Integer({ description: 'Plays at a transcoded quality that started with a cached file. Seeks are no plays' }),
  misses: Type.Integer({ description: 'Those that started with something else, because the file was not cached yet' }),
  rate: nullable(Type.Number({ minimum: 0, maximum: 1, description: 'Share of hits; null where there were no plays' })),
  bytes_saved: Type.Integer({ description: 'Sizes of originals minus sizes of their transcodes, for tracks that were started' }),
  bytes_sent: byQuality
}

const TRAFFIC_EXAMPLE = {
  hits: 3, misses: 1, rate: 0.75, bytes_saved: 51_000_000, bytes_sent: { original: 4_127_346, high: 0, medium: 0, low: 1_440_000 }
}

function exampleOf (schema: object): unknown {
  return (schema as { examples?: unknown[] }).examples?.[0]
}

export const trafficQuery = Type.Object({
  span: Type.Optional(Type.String({ enum: spanNames, description: `${spanNames.join(', ')}; hour by default`, examples: ['day'] }))
}, { additionalProperties: false })

export const TRAFFIC_QUERY_ALLOWED = { span: `must be one of: ${spanNames.join(', ')}` }

/** The body of GET /admin/traffic. */
export const trafficSchema = Type.Object({
  span: Type.String({ enum: spanNames }),
  bucket_seconds: Type.Integer(),
  total: Type.Object(traffic),
  buckets: Type.Array(Type.Object({ time, ...traffic }))
}, {
  examples: [{
    span: 'hour', bucket_seconds: 60, total: TRAFFIC_EXAMPLE, buckets: [{ time: '2026-11-25T17:00:00.000Z', ...TRAFFIC_EXAMPLE }]
  }]
})

/** What the page at /admin/ shows. What is only known in Redis is null while it is away. */
export const overviewSchema = Type.Object({
  health: healthSchema,
  redis: Type.Boolean({ description: 'Whether Redis answers' }),
  queue: nullable(queueSchema),
  workers: nullable(workersSchema.properties.workers),
  failed: nullable(failedSchema),
  cache: cacheStatsSchema,
  listeners: nullable(byQuality),
  traffic: nullable(record(['now', ...spanNames], Type.Object(traffic)))
}, {
  examples: [{
    health: exampleOf(healthSchema) as object,
    redis: true,
    queue: exampleOf(queueSchema),
    workers: (exampleOf(workersSchema) as { workers: unknown }).workers,
    failed: exampleOf(failedSchema),
    cache: exampleOf(cacheStatsSchema),
    listeners: { original: 1, high: 0, medium: 0, low: 2 },
    traffic: { now: TRAFFIC_EXAMPLE, hour: TRAFFIC_EXAMPLE, day: TRAFFIC_EXAMPLE, month: TRAFFIC_EXAMPLE }
  }]
})

export type OverviewBody = Static<typeof overviewSchema>
export type TrafficBody = Static<typeof trafficSchema>
