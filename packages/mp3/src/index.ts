export { isInfoFrame, parseFrameHeader, type FrameHeader } from './frame-header.ts'
export {
  BLOCK_FRAMES, BLOCK_SAMPLES, blockBytes, frameCount, framePosition, infoFrame, isBlock, mp3Size, SAMPLE_RATE, SAMPLES_PER_FRAME
} from './frame-layout.ts'
export { id3v1, ID3V1_SIZE } from './id3v1.ts'
export { id3v2, id3v2Size, readUserText, type Tags } from './id3v2.ts'
export { bitrates, qualities, transcodeQualities, type Quality, type TranscodeQuality } from './qualities.ts'
export { TIMESTAMP_TAG_SIZE, timestampTag } from './timestamp-tag.ts'
