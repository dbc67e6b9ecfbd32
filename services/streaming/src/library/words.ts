/** @returns a text in lower case and without accents, which do not matter to a filter */
export function plain (text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}

/** @returns the words of a filter, in plain letters */
export function wordsOf (filter: string): string[] {
  return plain(filter).split(/\s+/).filter(word => word)
}

/** @returns whether some texts together contain all words */
export function containAll (words: string[], texts: (string | undefined)[]): boolean {
  if (words.length === 0) return true
  const text = plain(texts.filter(text => text).join('\n'))
  return words.every(word => text.includes(word))
}
