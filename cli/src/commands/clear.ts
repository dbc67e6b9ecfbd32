import { createInterface } from 'node:readline/promises'
import { visible } from '@mixtape/log'
import { print } from '../output.ts'
import { CommandError, EXIT, type Server } from '../server.ts'

export interface ClearOptions {
  path?: string
  quality?: string
  olderThanDays?: string
  dryRun?: boolean
  yes?: boolean
  json?: boolean
}

/** Counts what would be deleted, asks, and deletes it. */
export async function clear (server: Server, { path, quality, olderThanDays, dryRun, yes, json }: ClearOptions): Promise<number> {
  const query = { path, quality, older_than_days: olderThanDays }
  const run = async (isDryRun: boolean) => await server.post<{ message: string, would_delete_files?: number }>(
    '/admin/cache/clear', { ...query, dry_run: `${isDryRun}` })
  if (dryRun || !yes) {
    const counted = await run(true)
    if (dryRun || counted.would_delete_files === 0) {
      print(json, counted, [counted.message])
      return EXIT.ok
    }
    if (!process.stdin.isTTY) throw new CommandError(`${counted.message}. Add --yes to do it.`, EXIT.usage)
    const terminal = createInterface({ input: process.stdin, output: process.stderr })
    const answer = await terminal.question(`${visible(counted.message)}. Do it? [y/N] `)
    terminal.close()
    if (!/^y(es)?$/i.test(answer.trim())) return EXIT.ok
  }
  const cleared = await run(false)
  print(json, cleared, [cleared.message])
  return EXIT.ok
}
