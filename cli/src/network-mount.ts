/** Where a folder lies, by a line of /proc/self/mounts. */
export interface Mount {
  type: string
  options: Map<string, string>
}

/** Longest time in seconds for which a host may believe what it knows of a file: a lease ends after five. */
const MAX_ATTRIBUTE_SECONDS = 1

/** Seconds for which NFS believes it by default (nfs(5), `acregmax` and `acdirmax`). */
const NFS_DEFAULT_SECONDS = 60

/**
 * @param mounts the text of /proc/self/mounts
 * @param path absolute, without symbolic links
 * @returns the file system of a folder; undefined where none is listed
 */
export function mountOf (mounts: string, path: string): Mount | undefined {
  let found: { point: string, mount: Mount } | undefined
  for (const line of mounts.split('\n')) {
    const [, rawPoint, type, options] = line.split(' ')
    if (rawPoint === undefined || type === undefined || options === undefined) continue
    const point = rawPoint.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))
    if (path !== point && !path.startsWith(point.endsWith('/') ? point : `${point}/`)) continue
    if (found && found.point.length > point.length) continue // a later mount on the same point hides the one before
    found = {
      point, mount: { type, options: new Map(options.split(',').map(option => option.split('=', 2) as [string, string])) }
    }
  }
  return found?.mount
}

/** @returns what is wrong with the options of a network file system for the cache, in words; nothing for a local disk */
export function mountProblems ({ type, options }: Mount): string[] {
  const isNfs = /^nfs4?$/.test(type)
  if (!isNfs && !/^(cifs|smb3)$/.test(type)) return []
  const problems: string[] = []
  if (options.has('soft') || options.has('softerr')) problems.push('soft: a file server that is slow for a while would break files. Mount it hard')
  if (options.has('nocto')) problems.push('nocto: a published file could be seen with an old size. Leave it out')
  if (options.get('cache') === 'loose') problems.push('cache=loose: what other hosts write would not be seen. Use cache=strict')
  const seconds = (name: string) => {
    if (options.has('noac')) return 0
    return Number(options.get(name) ?? options.get('actimeo') ?? (isNfs ? NFS_DEFAULT_SECONDS : 1))
  }
  const slowest = Math.max(seconds('acregmax'), seconds('acdirmax'))
  if (slowest > MAX_ATTRIBUTE_SECONDS) {
    problems.push(`what other hosts write may be seen ${slowest} s late: running transcodes would look dead. Mount it with actimeo=${MAX_ATTRIBUTE_SECONDS}`)
  }
  return problems
}
