/** @returns such as `3:05` or `1:02:03`; a dash where unknown */
export function clock (seconds: number | undefined): string {
  if (seconds === undefined || !Number.isFinite(seconds)) return '–'
  const whole = Math.floor(seconds)
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const two = (number: number) => `${number}`.padStart(2, '0')
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}

/** @returns such as `3 min 5 s`, for screen readers */
export function spoken (seconds: number): string {
  const whole = Math.floor(seconds)
  const minutes = Math.floor(whole / 60)
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`
}

/** @returns such as `1.4 MB`, `2.16 GB`, `37.6 GB`, `1.18 TB` */
export function megabytes (bytes: number): string {
  if (bytes < 999_500_000) return `${(bytes / 1e6).toFixed(1)} MB`
  if (bytes < 999_500_000_000) return `${(bytes / 1e9).toFixed(bytes < 1e10 ? 2 : 1)} GB`
  return `${(bytes / 1e12).toFixed(2)} TB`
}

/** @returns such as `1 track`, `5,000 tracks` */
export function count (number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`
}

/**
 * @param known the tracks of a list, or the first ones
 * @returns such as `12 tracks · 48:10`; the length only where all of them are known
 */
export function countAndLength (known: { duration?: number }[], total = known.length): string {
  const seconds = known.reduce((sum, { duration = 0 }) => sum + duration, 0)
  return [count(total, 'track'), ...known.length === total && seconds > 0 ? [clock(seconds)] : []].join(' · ')
}
