import sharp from 'sharp'

/** Sizes of thumbnails, in pixels of their longer side: few, so that the cache holds few files for each cover. */
export const COVER_SIZES = [96, 256, 512, 1024]

/** A picture with more pixels is refused: 60 million take 240 MB of memory while they are decoded. */
const MAX_PIXELS = 60_000_000

/** A larger picture is refused. */
export const MAX_BYTES = 40 * 1024 * 1024

/** The only decoders that are used. sharp knows more, such as SVG and PDF, which can do more than show a picture. */
const DECODERS = ['JpegBuffer', 'PngBuffer', 'WebpBuffer', 'NsgifBuffer', 'HeifBuffer'].map(name => `VipsForeignLoad${name}`)

/** A picture that cannot be shown: damaged, too large, or of another format. */
export class BrokenPictureError extends Error {}

/** Limits what sharp may do in this process. It must be called before the first picture is rendered. */
export function limitDecoders (): void {
  sharp.cache(false)
  sharp.concurrency(1) // threads for one picture; the others are for files that are being played
  sharp.block({ operation: ['VipsForeignLoad'] })
  sharp.unblock({ operation: DECODERS })
}

/**
 * Makes a WebP of a picture that fits into a square. A smaller picture keeps its size.
 *
 * @throws {BrokenPictureError}
 */
export async function renderThumbnail (picture: Uint8Array, pixels: number): Promise<Buffer> {
  if (picture.length > MAX_BYTES) throw new BrokenPictureError('too large')
  try {
    return await sharp(picture, { limitInputPixels: MAX_PIXELS, failOn: 'error' })
      .rotate() // as its EXIF data says
      .resize(pixels, pixels, { fit: 'inside', withoutEnlargement: true })
      .webp({ quality: 82 })
      .toBuffer()
  } catch (error) {
    throw new BrokenPictureError((error as Error).message)
  }
}
