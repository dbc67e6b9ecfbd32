export { CacheUsage, type RemovalReason } from './cache-usage.ts'
export { HitRates } from './hit-rates.ts'
export { Plays } from './plays.ts'
