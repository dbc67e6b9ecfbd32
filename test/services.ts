import { spawn, type ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import type { Test } from 'tap'
import { STREAMING, WORKER } from '../scripts/services.js'

/** One of the services as a process of its own, as `npm start` and containers run it. */
export interface Service {
  child: ChildProcess
  /** Every line that it has logged. */
  lines: string[]
  /** Resolves with the first line, logged already or yet to come, that matches. */
  logged (pattern: RegExp): Promise<RegExpMatchArray>
  /** Sends a signal and waits for the end. @returns the exit status */
  stop (signal?: NodeJS.Signals): Promise<number | null>
}

function start (t: Test, args: string[], env: NodeJS.ProcessEnv): Service {
  const child = spawn(process.execPath, args, {
    cwd: t.testdirName, // no .env of the developer's there
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const exited = once(child, 'exit')
  const lines: string[] = []
  const events = new EventEmitter()
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', line => {
      lines.push(line)
      events.emit('line')
    })
  }
  const service: Service = {
    child,
    lines,
    async logged (pattern) {
      for (;;) {
        const match = lines.map(line => line.match(pattern)).find(found => found)
        if (match) return match
        await Promise.race([once(events, 'line'), exited.then(() => {
          throw new Error(`ended without logging ${pattern}:\n${lines.join('\n')}`)
        })])
      }
    },
    async stop (signal = 'SIGTERM') {
      child.kill(signal)
      const [code] = await exited
      return code
    }
  }
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) await service.stop('SIGKILL')
  })
  return service
}

/** @returns the service and the address it listens on */
export async function startStreaming (t: Test, env: NodeJS.ProcessEnv): Promise<Service & { url: string }> {
  const service = start(t, STREAMING.args, { PORT: '0', ...env })
  const [, url = ''] = await service.logged(STREAMING.ready)
  return { ...service, url }
}

export async function startWorker (t: Test, env: NodeJS.ProcessEnv): Promise<Service> {
  const service = start(t, WORKER.args, env)
  await service.logged(WORKER.ready)
  return service
}

/** Starts a service that is expected to refuse. @returns its exit status and what it said */
export async function refusal (t: Test, env: NodeJS.ProcessEnv): Promise<{ status: number | null, said: string }> {
  const service = start(t, STREAMING.args, { PORT: '0', ...env })
  const [status] = await once(service.child, 'close')
  return { status, said: service.lines.join('\n') }
}

/** Process ids of the ffmpeg children of a process. */
export function encoders (parent: number | undefined): number[] {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(Number).filter(pid => {
    try {
      const [, command = '', ppid] = /^\d+ \((.*)\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
      return command === 'ffmpeg' && Number(ppid) === parent
    } catch {
      return false
    }
  })
}

/** Resolves when something has become true that no event tells. */
export async function until (condition: () => unknown): Promise<void> {
  while (!await condition()) await setTimeout(10)
}
