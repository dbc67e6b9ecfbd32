import type { Eviction } from '@mixtape/streaming/schemas/cache'
import type { OverviewBody, TrafficBody } from '@mixtape/streaming/schemas/overview'
import { RequestError, request } from './library.ts'
import { authorization } from './token.ts'

export type { Eviction, OverviewBody, TrafficBody }

/** A dead connection is noticed after this time. The server sends at least a comment every 15 seconds. */
const SILENCE_MS = 40_000

/**
 * Receives the overview until the connection ends. EventSource cannot send the token.
 *
 * @param show gets each overview, and by how much the clock of the server is ahead of that of the browser, in milliseconds
 * @throws {RequestError} where the server refuses, or the connection ended
 */
export async function watchOverview (show: (overview: OverviewBody, aheadMs: number) => void): Promise<void> {
  const silence = new AbortController()
  let timer = window.setTimeout(() => silence.abort(), SILENCE_MS)
  try {
    const response = await request('/admin/overview/events', {
      headers: { ...authorization(), accept: 'text/event-stream' }, signal: silence.signal
    })
    const aheadMs = Date.parse(response.headers.get('date') ?? '') - Date.now() || 0
    let text = ''
    const decoder = new TextDecoder()
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) throw new RequestError(0, 'The server does not answer.')
      clearTimeout(timer)
      timer = window.setTimeout(() => silence.abort(), SILENCE_MS)
      const events = (text + decoder.decode(value, { stream: true })).split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) {
        const data = /^data: ?(.*)$/m.exec(event)?.[1]
        if (data !== undefined) show(JSON.parse(data) as OverviewBody, aheadMs)
      }
    }
  } catch (error) {
    throw error instanceof RequestError ? error : new RequestError(0, 'The server does not answer.')
  } finally {
    clearTimeout(timer)
  }
}

/** Fetches JSON for the admin. */
export async function get<T> (url: string): Promise<T> {
  return await (await request(url, { headers: authorization() })).json() as T
}

/** Has the server do something. @returns its answer */
export async function post (path: string, query: Record<string, string> = {}): Promise<{ message?: string }> {
  const response = await request(`${path}?${new URLSearchParams(query)}`, { method: 'POST', headers: authorization() })
  return await response.json() as { message?: string }
}
