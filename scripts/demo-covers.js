import sharp from 'sharp'

const SIZE = 1000

/** What each cover shows, as SVG on a square of 1000. */
const MOTIFS = {
  sun: () => Array.from({ length: 7 }, (_, i) => `<circle cx="500" cy="640" r="${470 - i * 62}" fill="#fff" fill-opacity="${0.07 + i * 0.035}"/>`).join('') +
    '<rect y="640" width="1000" height="360" fill="#000" fill-opacity=".22"/>' +
    Array.from({ length: 6 }, (_, i) => `<rect x="${90 + i * 30}" y="${690 + i * 44}" width="${820 - i * 60}" height="10" rx="5" fill="#fff" fill-opacity=".35"/>`).join(''),
  waves: () => Array.from({ length: 11 }, (_, i) => `<path d="M-50 ${180 + i * 72} C 200 ${80 + i * 72}, 330 ${300 + i * 66}, 560 ${190 + i * 70} S 900 ${90 + i * 74}, 1050 ${210 + i * 68}" ` +
    `fill="none" stroke="#fff" stroke-opacity="${0.16 + i * 0.055}" stroke-width="${6 + i * 2}"/>`).join(''),
  city: () => Array.from({ length: 13 }, (_, i) => {
    const height = 230 + ((i * 197) % 430)
    const windows = Array.from({ length: Math.floor(height / 70) }, (_, j) => (i * 7 + j * 5) % 3 === 0
      ? ''
      : `<rect x="${i * 78 + 14}" y="${1020 - height + j * 64}" width="18" height="26" fill="#ffe9a8" fill-opacity=".9"/>`).join('')
    return `<rect x="${i * 78 - 6}" y="${1000 - height}" width="70" height="${height}" fill="#000" fill-opacity="${0.28 + (i % 3) * 0.12}"/>${windows}`
  }).join('') + '<circle cx="760" cy="210" r="92" fill="#fff" fill-opacity=".92"/>',
  leaves: () => Array.from({ length: 12 }, (_, i) => `<g transform="translate(500 500) rotate(${i * 30})">` +
    `<path d="M0 -60 C 130 -180, 130 -340, 0 -450 C -130 -340, -130 -180, 0 -60z" fill="#fff" fill-opacity="${i % 2 ? 0.18 : 0.34}"/></g>`).join('') +
    '<circle cx="500" cy="500" r="56" fill="#fff" fill-opacity=".9"/>'
}

/**
 * Draws the cover of a demo album.
 *
 * @param {{ motif: keyof typeof MOTIFS, colours: [string, string] }} cover
 * @returns {Promise<Buffer>} a JPEG
 */
export async function drawCover ({ motif, colours: [from, to] }) {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 1000" width="${SIZE}" height="${SIZE}">
    <defs><linearGradient id="g" x1="0" y1="0" x2=".6" y2="1"><stop stop-color="${from}"/><stop offset="1" stop-color="${to}"/></linearGradient></defs>
    <rect width="1000" height="1000" fill="url(#g)"/>${MOTIFS[motif]()}</svg>`
  return await sharp(Buffer.from(svg)).jpeg({ quality: 88 }).toBuffer()
}
