import { Type, type Static } from 'typebox'
import { transcodeQualities } from '@mixtape/mp3'
import { nullable } from './nullable.ts'
import { time, timeOrNull } from './queue.ts'
import { record } from './record.ts'

const filesAndBytes = Type.Object({ files: Type.Integer(), bytes: Type.Integer() })

const hitRate = Type.Object({
  hits: Type.Integer({ description: 'Plays at a transcoded quality that started with a cached file. Seeks are no plays' }),
  misses: Type.Integer({ description: 'Those that started with something else, because the file was not cached yet' }),
  rate: nullable(Type.Number({ minimum: 0, maximum: 1, description: 'null where there were no plays' }))
})

/** The body of GET /admin/cache/stats. */
export const cacheStatsSchema = Type.Object({
  cache_size_bytes: Type.Integer(),
  cache_size_mb: Type.Number({ description: 'MiB, with two digits after the point' }),
  cached_files: Type.Integer(),
  cache_dir: Type.String(),
  by_quality: record(transcodeQualities, filesAndBytes),
  covers: filesAndBytes,
  oldest: timeOrNull,
  newest: timeOrNull,
  max_size_bytes: nullable(Type.Integer({ description: 'AUDIO_CACHE_MAX_SIZE' })),
  free_bytes: nullable(Type.Integer({ description: 'Of the disk; null where it cannot be read' })),
  hit_rate: nullable(Type.Object({ last_hour: hitRate, last_day: hitRate }, { description: 'null without Redis' })),
  bytes_saved: nullable(Type.Integer({ description: 'Since the first start; null without Redis' })),
  evicted: nullable(Type.Object({
    size: Type.Integer(), free: Type.Integer(), age: Type.Integer(), orphan: Type.Integer()
  }, { description: 'Files since the first start, by reason; null without Redis' }))
}, {
  examples: [{
    cache_size_bytes: 4_830_719,
    cache_size_mb: 4.61,
    cached_files: 1,
    cache_dir: '/cache',
    by_quality: { high: { files: 0, bytes: 0 }, medium: { files: 1, bytes: 4_830_719 }, low: { files: 0, bytes: 0 } },
    covers: { files: 0, bytes: 0 },
    oldest: '2026-11-25T17:00:00.000Z',
    newest: '2026-11-25T17:00:00.000Z',
    max_size_bytes: 50_000_000_000,
    free_bytes: 120_000_000_000,
    hit_rate: { last_hour: { hits: 3, misses: 1, rate: 0.75 }, last_day: { hits: 3, misses: 1, rate: 0.75 } },
    bytes_saved: 51_000_000,
    evicted: { size: 0, free: 0, age: 0, orphan: 0 }
  }]
})

/** The body of GET /admin/cache/eviction. */
export const evictionSchema = Type.Object({
  order: Type.String({ enum: ['lru', 'age', 'quality'], description: 'AUDIO_CACHE_EVICTION' }),
  next: Type.Array(Type.Object({
    path: Type.String({ description: 'Relative to the cache directory' }),
    kind: Type.String({ enum: [...transcodeQualities, 'cover'] }),
    size_bytes: Type.Integer(),
    cached_at: time,
    last_played: timeOrNull
  }))
}, {
  examples: [{
    order: 'lru',
    next: [{
      path: 'jazz/so-what_low.mp3', kind: 'low', size_bytes: 8_721_408, cached_at: '2026-11-01T12:00:00.000Z', last_played: null
    }]
  }]
})

export const clearQuery = Type.Object({
  older_than_days: Type.Optional(Type.String({ pattern: '^\\d{1,6}$', description: 'Only files that were cached longer ago', examples: ['30'] })),
  quality: Type.Optional(Type.String({ enum: transcodeQualities, description: 'Only MP3s at this quality, and no covers', examples: ['low'] })),
  path: Type.Optional(Type.String({ minLength: 1, maxLength: 4096, description: 'Only those of a folder or of a track', examples: ['jazz'] })),
  dry_run: Type.Optional(Type.String({ enum: ['true', 'false'], description: 'true: count, and delete nothing', examples: ['true'] }))
}, { additionalProperties: false })

/** What each parameter must be, for error messages. */
export const CLEAR_QUERY_ALLOWED: Record<string, string> = {
  older_than_days: 'must be a whole number, 0 or more, of at most 6 digits',
  quality: `must be one of: ${transcodeQualities.join(', ')}`,
  path: 'must be a folder or a track, relative to the library',
  dry_run: 'must be true or false'
}

/** The body of POST /admin/cache/clear. */
export const clearedSchema = Type.Object({
  deleted_files: Type.Integer(),
  would_delete_files: Type.Optional(Type.Integer({ description: 'Only with dry_run=true' })),
  message: Type.String()
}, { examples: [{ deleted_files: 0, would_delete_files: 12, message: 'Would clear 12 cached files at low quality' }] })

export type Eviction = Static<typeof evictionSchema>
