import { statfs } from 'node:fs/promises'
import type { OpenFile } from './open-file.ts'

/** ext, XFS, Btrfs, tmpfs, overlay, ZFS, F2FS and bcachefs, as statfs(2) numbers them. */
const LOCAL_TYPES = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010, 0xca451a4e
])

const known = new Map<bigint, boolean>()

/** @returns whether a file is on a disk of this machine, and not on one that a network or another process may hold up */
export async function isLocal ({ device, path }: Pick<OpenFile, 'device' | 'path'>): Promise<boolean> {
  if (!known.has(device)) {
    known.set(device, await statfs(path).then(({ type }) => LOCAL_TYPES.has(type), () => false))
  }
  return known.get(device) as boolean
}
