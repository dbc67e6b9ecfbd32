import type { OpenFile } from './open-file.ts'
import { PROVENANCE_REACH, readProvenance } from './tag.ts'

/** @returns what an open file says it was made from; undefined for one that another tool made */
export async function provenanceOf (file: OpenFile): Promise<ReturnType<typeof readProvenance>> {
  const { buffer, bytesRead } = await file.handle.read(Buffer.allocUnsafe(PROVENANCE_REACH), 0, PROVENANCE_REACH, 0)
  return readProvenance(buffer.subarray(0, bytesRead))
}
