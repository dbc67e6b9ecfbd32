export { CacheUsage, type CacheLevel, type CacheLevels, type CountedCache, type RemovalReason } from './cache-usage.ts'
export { ListenerCounts, type ListenersByQuality } from './listener-counts.ts'
export { Plays } from './plays.ts'
export { hitRate, spans, sumOf, Traffic, type Span, type TrafficCounts } from './traffic.ts'
