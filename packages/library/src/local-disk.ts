import { statfs } from 'node:fs/promises'
import { LRUCache } from 'lru-cache'

/** ext, XFS, Btrfs, tmpfs, overlay, ZFS, F2FS and bcachefs, by their numbers in statfs(2). */
const LOCAL_TYPES = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010, 0xca451a4e
])

/** By device id, for ten seconds: a file system that is mounted later may get the id of one that was unmounted. */
const results = new LRUCache<bigint, boolean>({ max: 100, ttl: 10_000 })

/**
 * @param device id of a file system
 * @param path of a file or directory on it
 * @returns whether it is a disk of this machine; stat() on a network file system can block for minutes
 */
export async function isLocalDisk (device: bigint, path: string): Promise<boolean> {
  const known = results.get(device)
  if (known !== undefined) return known
  const isLocal = await statfs(path).then(({ type }) => LOCAL_TYPES.has(type), () => false)
  results.set(device, isLocal)
  return isLocal
}
