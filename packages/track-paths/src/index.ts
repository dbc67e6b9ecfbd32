export { extension, mediaType } from './media-types.ts'
export { isFolderPath, isPicturePath, isTrackPath } from './paths.ts'
