export { evictionOrder } from './eviction-order.ts'
export { MixtapeReadiness } from './mixtape-readiness.ts'
export { precache } from './precache.ts'
export { watchMixtape } from './watch-mixtape.ts'
