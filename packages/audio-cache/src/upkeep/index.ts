export { clearCache, clearDeadParts } from './clear.ts'
export { evict, type Candidate, type Rank } from './evict.ts'
export { removeOrphans } from './orphans.ts'
export { cacheStats } from './stats.ts'
