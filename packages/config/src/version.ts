import { readFileSync } from 'node:fs'

/** @returns the version of this project: all its packages have the same */
export function projectVersion (): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version
}
