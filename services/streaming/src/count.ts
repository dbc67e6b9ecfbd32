/** @returns a number and what it counts, such as `1 track` and `12 tracks` */
export function count (number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
