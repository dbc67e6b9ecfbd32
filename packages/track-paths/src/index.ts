export { extension, mediaType } from './media-types.ts'
export { encodePath, isFolderPath, isPicturePath, isTrackPath } from './paths.ts'
