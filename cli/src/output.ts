import { visible } from '@mixtape/log'

/** Prints JSON, or lines for people. Paths and the words of ffmpeg may hold any character. */
export function print (asJson: boolean | undefined, body: unknown, lines: string[]): void {
  const printed = asJson ? JSON.stringify(body, null, 2).split('\n') : lines
  console.log(printed.map(visible).join('\n'))
}

/** @returns lines whose columns begin below each other */
export function table (rows: string[][]): string[] {
  const widths = rows.reduce<number[]>((known, row) => row.map((cell, index) => Math.max(cell.length, known[index] ?? 0)), [])
  return rows.map(row => row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ').trimEnd())
}

/** @returns a text in which the times of the server are those of this machine, such as `25 Nov 2026, 18:00` */
export function withLocalTimes (text: string): string {
  return text.replaceAll(/\b\d{4}-\d\d-\d\dT[\d:.]+Z\b/g, time => new Date(time).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' }))
}

/** @returns a number and what it counts, such as `1 track` and `12 tracks` */
export function count (number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** @returns such as `1.4 MB` */
export function megabytes (bytes: number): string {
  return bytes < 999_500_000 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`
}

/** Says something while a progress bar may be shown. The bar must be drawn again after it. */
export function notice (text: string): void {
  console.error(`${process.stderr.isTTY ? '\r\u001b[K' : ''}${visible(text)}`)
}

/** Shows how far something is, in one line that is drawn again; on no terminal, nothing. */
export function progressBar (done: number, total: number, note: string): void {
  if (!process.stderr.isTTY) return
  const width = 30
  const full = total === 0 ? width : Math.round(done / total * width)
  process.stderr.write(`\r[${'#'.repeat(full)}${'.'.repeat(width - full)}] ${done}/${total} ${visible(note)}\u001b[K${done === total ? '\n' : ''}`)
}
