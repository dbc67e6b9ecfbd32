import type { Quality } from '../api/qualities.ts'

/** A mixtape that is to be kept on this device. */
export interface KeptMixtape {
  slug: string
  title: string
  quality: Quality
  /** Paths of its tracks. */
  paths: string[]
  isPaused: boolean
}

/** A track on this device. It is whole when `have` is `size`. */
export interface StoredTrack {
  path: string
  /** As it was asked for. */
  quality: Quality
  /** Of the file that the server sent, with quotes. */
  etag: string
  contentType: string
  /** Bytes of the whole file, and of its start that is here. */
  size: number
  have: number
}

interface Piece {
  path: string
  quality: Quality
  /** Position in the file, in bytes. */
  start: number
  bytes: Blob
}

/*
 * IndexedDB, because a piece and the note of how far the file is are written in one transaction: after a crash both are
 * there, or neither is. It is open to the page, which writes, and to the service worker, which reads.
 */
const STORES = { mixtapes: 'slug', tracks: ['path', 'quality'], pieces: ['path', 'quality', 'start'] }

type StoreName = keyof typeof STORES

let opened: Promise<IDBDatabase> | undefined

async function open (): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open('mixtape-offline', 1)
    request.onupgradeneeded = () => {
      for (const [name, keyPath] of Object.entries(STORES)) request.result.createObjectStore(name, { keyPath })
    }
    request.onsuccess = () => { resolve(request.result) }
    request.onerror = () => { reject(request.error ?? new Error('IndexedDB cannot be opened')) }
  })
  return await opened
}

/** Does something in one transaction. @returns the result of the request that `action` returns */
async function transact<T> (mode: IDBTransactionMode, action: (stores: Record<StoreName, IDBObjectStore>) => IDBRequest<T>): Promise<T> {
  const transaction = (await open()).transaction(Object.keys(STORES), mode)
  const stores = Object.fromEntries(Object.keys(STORES).map(name => [name, transaction.objectStore(name)]))
  const request = action(stores as Record<StoreName, IDBObjectStore>)
  await new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => { resolve() }
    transaction.onabort = () => { reject(transaction.error ?? new Error('Nothing was stored')) }
  })
  return request.result
}

export async function keptMixtapes (): Promise<KeptMixtape[]> {
  return await transact('readonly', ({ mixtapes }) => mixtapes.getAll())
}

export async function keptMixtape (slug: string): Promise<KeptMixtape | undefined> {
  return await transact('readonly', ({ mixtapes }) => mixtapes.get(slug))
}

export async function saveKept (mixtape: KeptMixtape): Promise<void> {
  await transact('readwrite', ({ mixtapes }) => mixtapes.put(mixtape))
}

export async function forgetKept (slug: string): Promise<void> {
  await transact('readwrite', ({ mixtapes }) => mixtapes.delete(slug))
}

export async function storedTracks (): Promise<StoredTrack[]> {
  return await transact('readonly', ({ tracks }) => tracks.getAll())
}

export async function storedTrack (path: string, quality: Quality): Promise<StoredTrack | undefined> {
  return await transact('readonly', ({ tracks }) => tracks.get([path, quality]))
}

/** @returns the whole tracks of a path, at whatever quality */
export async function wholeTracks (path: string): Promise<StoredTrack[]> {
  const tracks = await transact<StoredTrack[]>('readonly', ({ tracks }) => tracks.getAll(IDBKeyRange.bound([path], [path, []])))
  return tracks.filter(({ have, size }) => have === size)
}

/** Stores a track of which nothing is here yet, instead of what was stored of it before. */
export async function startTrack (track: StoredTrack): Promise<void> {
  await transact('readwrite', ({ tracks, pieces }) => {
    pieces.delete(piecesOf(track))
    return tracks.put(track)
  })
}

/** Adds the bytes that follow what is here. @returns the track as it is then */
export async function appendPiece (track: StoredTrack, bytes: Blob): Promise<StoredTrack> {
  const { path, quality, have: start } = track
  const grown = { ...track, have: start + bytes.size }
  await transact('readwrite', ({ tracks, pieces }) => {
    pieces.put({ path, quality, start, bytes } satisfies Piece)
    return tracks.put(grown)
  })
  return grown
}

async function removeTrack (track: StoredTrack): Promise<void> {
  await transact('readwrite', ({ tracks, pieces }) => {
    pieces.delete(piecesOf(track))
    return tracks.delete([track.path, track.quality])
  })
}

/** Removes the tracks that no kept mixtape contains. */
export async function removeUnused (): Promise<void> {
  const used = new Set((await keptMixtapes()).flatMap(({ quality, paths }) => paths.map(path => `${quality} ${path}`)))
  for (const track of await storedTracks()) if (!used.has(`${track.quality} ${track.path}`)) await removeTrack(track)
}

/** @returns all bytes of a track, which are read when they are used */
export async function bytesOf (track: StoredTrack): Promise<Blob> {
  const pieces = await transact<Piece[]>('readonly', ({ pieces }) => pieces.getAll(piecesOf(track)))
  return new Blob(pieces.map(({ bytes }) => bytes))
}

function piecesOf ({ path, quality }: StoredTrack): IDBKeyRange {
  return IDBKeyRange.bound([path, quality], [path, quality, []])
}
