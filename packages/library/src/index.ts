export { DescriptorCache } from './descriptor-cache.ts'
export { extension, isTrackPath, Library, type Track } from './library.ts'
export { isUnavailable, openFile, type OpenFile } from './open-file.ts'
export type { Representation } from './representation.ts'
