export { AudioCache, type Lookup } from './audio-cache.ts'
export { cachedPaths } from './cached-paths.ts'
export { GrowingFile } from './growing-file.ts'
export { OverrunError, type Part } from './part.ts'
