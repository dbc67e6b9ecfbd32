import { realpath } from 'node:fs/promises'
import { sep } from 'node:path'
import { isUnavailable } from './open-file.ts'

/**
 * Resolves symbolic links.
 *
 * @param root absolute path of the library
 * @param path absolute
 * @param isAllowed decides on the resolved path relative to the root
 * @returns the absolute path without links; undefined where it leads out of the root, or nothing is there
 */
export async function realPathInside (
  root: string, path: string, isAllowed: (relativePath: string) => boolean
): Promise<string | undefined> {
  try {
    const [realRoot, real] = await Promise.all([realpath(root), realpath(path)])
    const prefix = realRoot.endsWith(sep) ? realRoot : realRoot + sep
    const relativePath = real === realRoot ? '' : real.slice(prefix.length)
    if ((real === realRoot || real.startsWith(prefix)) && isAllowed(relativePath)) return real
  } catch (error) {
    if (!isUnavailable(error)) throw error
  }
}
