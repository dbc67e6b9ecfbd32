import { PLACE } from '../place-pattern.ts'
import { storedResponse } from './stored-response.ts'
import { wholeTracks } from './store.ts'

interface LifecycleEvent extends Event {
  waitUntil (work: Promise<unknown>): void
}

interface FetchEvent extends LifecycleEvent {
  request: Request
  respondWith (response: Promise<Response>): void
}

/** What is used of the global scope: TypeScript's types of service workers and of pages do not go together. */
interface WorkerScope {
  skipWaiting (): Promise<void>
  clients: { claim (): Promise<void> }
  addEventListener (type: 'install' | 'activate', listener: (event: LifecycleEvent) => void): void
  addEventListener (type: 'fetch', listener: (event: FetchEvent) => void): void
}

/** The files of the page. */
const PAGE = 'page'

/** What may be stored: files of the page, covers, and what a mixtape consists of. */
const STORED = /^\/(app\/|cover\/|[^/]+\.\w+$|mixtapes\/[^/]+\/(tracks|cover\.jpg)$)/

const worker = self as unknown as WorkerScope

/**
 * Registered when a mixtape is kept for the first time. What is not kept goes to the network as without it. With the network
 * off, it answers with the files of the page, and with what offline/keeper.ts has stored.
 */
worker.addEventListener('install', event => {
  event.waitUntil((async () => {
    await store(await fetchFiles())
    await worker.skipWaiting()
  })())
})

worker.addEventListener('activate', event => { event.waitUntil(worker.clients.claim()) })

worker.addEventListener('fetch', event => {
  const { request } = event
  const { origin, pathname } = new URL(request.url)
  if (origin !== location.origin || request.cache === 'no-store') return // the keeper itself asks the server
  if (pathname.startsWith('/play/')) {
    event.respondWith(play(request))
  } else if (request.mode === 'navigate') {
    if (!PLACE.test(pathname)) return
    event.respondWith(networkFirst(request, '/'))
    event.waitUntil(refresh().catch(() => {})) // the network is off
  } else if (request.method === 'GET' && STORED.test(pathname)) {
    event.respondWith(networkFirst(request))
  }
})

/**
 * A kept track is played from this device, also where the line is good. Without the server another quality is better than
 * none.
 */
async function play (request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url)
  const quality = searchParams.get('quality') ?? 'original'
  const tracks = await wholeTracks(decodeURIComponent(pathname.slice('/play/'.length))).catch(() => [])
  const kept = tracks.find(track => track.quality === quality)
  if (kept) return await storedResponse(kept, request)
  const response = await ask(request)
  return tracks[0] && isFailure(response) ? await storedResponse(tracks[0], request) : response
}

/** @param stored what to answer with instead, where it is stored under another URL */
async function networkFirst (request: Request, stored: Request | string = request): Promise<Response> {
  const page = await caches.open(PAGE)
  const response = await ask(request)
  if (response.ok && await page.match(request)) await page.put(request, response.clone())
  return isFailure(response) ? await caches.match(stored) ?? response : response
}

async function ask (request: Request): Promise<Response> {
  return await fetch(request).catch(() => Response.error())
}

/** @returns whether there was no answer, or only that of a proxy whose server is away */
function isFailure ({ type, status }: Response): boolean {
  return type === 'error' || status >= 500
}

/**
 * After an update of the server the page may have other files. Those that are new are stored together with the page, which
 * loads the others from the network anyway (networkFirst).
 */
async function refresh (): Promise<void> {
  const files = await fetchFiles()
  const page = await caches.open(PAGE)
  const stored = (await page.keys()).map(({ url }) => new URL(url).pathname)
  await store(files.filter(file => file === '/' || !stored.includes(file)))
  for (const file of stored) if (!files.includes(file)) await page.delete(file)
}

/** @returns the URLs of the files of the page */
async function fetchFiles (): Promise<string[]> {
  return await (await fetch('/files.json')).json() as string[]
}

/** Stores all files, or none where one cannot be fetched. */
async function store (files: string[]): Promise<void> {
  await (await caches.open(PAGE)).addAll(files.map(file => new Request(file, { cache: 'no-cache' })))
}
