import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

let areScriptsUsable: boolean | undefined

/**
 * The scripts bound the memory of a program, and let it die with its worker (child.sh). They need a setpriv that has
 * --pdeathsig, which BusyBox and other systems than Linux lack. Tried once.
 *
 * @returns what to run for ffmpeg or ffprobe
 */
export function childProgram (name: 'ffmpeg' | 'ffprobe'): string {
  areScriptsUsable ??= spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true']).status === 0
  return areScriptsUsable ? fileURLToPath(new URL(`../${name}-child.sh`, import.meta.url)) : name
}
