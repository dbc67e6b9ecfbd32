import { mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from 'tap'
import { build } from '../../../test/fixtures/app.ts'
import { http } from '../../../test/fixtures/http.ts'
import { makeTrack } from '../../../test/fixtures/tracks.ts'

t.test('an album is listed in the order of discs and tracks, with its tags and what is cached', async t => {
  const { url, music, cache } = await build(t)
  const track = (name: string, tags: Record<string, string>) => makeTrack(join(music, 'jazz/blue', name), { seconds: 1.5, tags })
  track('a.flac', { title: 'Third', artist: 'Ann', album: 'Blue', track: '1/9', disc: '2/2' })
  track('b.mp3', { title: 'Second', track: '10' })
  track('c.ogg', { title: 'First', track: '2' })
  mkdirSync(join(music, 'jazz/blue/Bonus'))
  mkdirSync(join(cache, 'jazz/blue'), { recursive: true })
  writeFileSync(join(cache, 'jazz/blue/a_low.mp3'), 'made by another tool')

  const { status, headers, json } = await http(url, '/library/jazz/blue')
  t.equal(status, 200)
  t.equal(headers['cache-control'], 'no-cache')
  const page = json()
  t.match(page, { type: 'folder', name: 'blue', path: 'jazz/blue', total: 4, folders: 1, offset: 0, limit: 100 })
  t.same(page.entries[0], { type: 'folder', name: 'Bonus', path: 'jazz/blue/Bonus' })
  t.same(page.entries.slice(1).map(({ title }: { title: string }) => title), ['First', 'Second', 'Third'])
  t.match(page.entries[1], { duration: 1.5, transcoded: true, cached: [] })
  t.match(page.entries[2], { transcoded: false, cached: [] })
  t.same({ ...page.entries[3], size: 0 }, {
    type: 'track',
    name: 'a.flac',
    path: 'jazz/blue/a.flac',
    size: 0,
    title: 'Third',
    artist: 'Ann',
    album: 'Blue',
    track: 1,
    disc: 2,
    duration: 1.5,
    transcoded: true,
    cached: ['low']
  })
  t.same((await http(url, '/library/jazz/blue/a.flac')).json(), page.entries[3], 'the same for the track alone')

  const filtered = async (filter: string) =>
    (await http(url, `/library/jazz/blue?filter=${encodeURIComponent(filter)}`)).json().entries.map(({ name }: { name: string }) => name)
  t.same(await filtered('THIRD ánn'), ['a.flac'])
  t.same(await filtered('bo'), ['Bonus'])
  t.same(await filtered('third second'), [])
})

t.test('the root and its folders are listed, hidden files and links out of the library are not', async t => {
  const { url, music } = await build(t)
  for (const name of ['Track 10.mp3', 'Track 2.mp3', 'notes.txt', '.hidden.mp3']) writeFileSync(join(music, name), 'x')
  for (const name of ['b', 'A', '.hidden', 'x.flac']) mkdirSync(join(music, name))
  symlinkSync('Track 2.mp3', join(music, 'link.mp3'))
  symlinkSync('/etc', join(music, 'etc'))
  symlinkSync(music, join(music, 'A/all'))
  writeFileSync(Buffer.concat([Buffer.from(`${music}/latin`), Buffer.from([0xfc]), Buffer.from('.flac')]), 'its name is not UTF-8')
  symlinkSync('nowhere', join(music, 'dead.mp3'))
  for (const path of ['/library', '/library/', '/library?offset=0']) {
    const { entries } = (await http(url, path)).json()
    t.same(entries.map(({ name }: { name: string }) => name), ['A', 'b', 'x.flac', 'link.mp3', 'Track 2.mp3', 'Track 10.mp3'])
  }
  t.same((await http(url, '/library/A')).json().entries, [], 'a link to a folder above would have no end')
  t.match((await http(url, '/library/x.flac')).json(), { type: 'folder', total: 0 })
})

t.test('the filter finds what is below the folder', async t => {
  const { url, music } = await build(t)
  for (const path of ['Jazz/Miles Davis/Kind of Blue', 'Jazz/Étienne', 'Rock']) mkdirSync(join(music, path), { recursive: true })
  for (const path of ['Jazz/Miles Davis/Kind of Blue/1 So What.mp3', 'Jazz/Miles Davis/Kind of Blue/2 Blue in Green.mp3', 'Jazz/blue.mp3', 'Blues.mp3']) {
    writeFileSync(join(music, path), 'x')
  }
  symlinkSync('..', join(music, 'Jazz/loop'))
  const found = async (path: string, filter: string) => {
    const { entries, total, folders } = (await http(url, `/library/${encodeURI(path)}?filter=${encodeURIComponent(filter)}`)).json()
    t.same([total, folders], [entries.length, entries.filter(({ type }: { type: string }) => type === 'folder').length])
    return entries.map(({ path }: { path: string }) => path)
  }
  t.same(await found('', 'blue'), [
    'Jazz/Miles Davis/Kind of Blue', 'Blues.mp3', 'Jazz/blue.mp3', 'Jazz/Miles Davis/Kind of Blue/2 Blue in Green.mp3'
  ])
  t.same(await found('', 'miles what'), ['Jazz/Miles Davis/Kind of Blue/1 So What.mp3'], 'words of folders help')
  t.same(await found('', 'miles'), ['Jazz/Miles Davis'], 'but do not list all that is in them')
  t.same(await found('Jazz', 'etienne'), ['Jazz/Étienne'])
  t.same(await found('Jazz/Miles Davis', 'miles'), [], 'what is above the folder does not count')
  const page = (await http(url, '/library?filter=blue&offset=1&limit=2')).json()
  t.match(page, { total: 4, folders: 1, entries: [{ path: 'Blues.mp3' }, { path: 'Jazz/blue.mp3' }] })
})

t.test('an MP3 of a variable bitrate has its length without a header that states it', async t => {
  const { url, music } = await build(t)
  const options = ['-q:a', '5', '-write_xing', '0']
  makeTrack(join(music, 'vbr.mp3'), { seconds: 30, options })
  makeTrack(join(music, 'quiet-first.mp3'), { seconds: 27, options: ['-af', 'adelay=3000:all=1', ...options] }) // its first frames are alike
  makeTrack(join(music, 'cbr.mp3'), { seconds: 30, options: ['-b:a', '128k', '-write_xing', '0'] })
  for (const name of ['vbr', 'quiet-first', 'cbr']) {
    const { duration } = (await http(url, `/library/${name}.mp3`)).json()
    t.ok(Math.abs(duration - 30) < 0.1, `${name}: ${duration} s`)
  }
})

t.test('tags of a WAV are read as UTF-8, and as Latin-1 where they are not', async t => {
  const { url, music } = await build(t)
  const file = makeTrack(join(music, 'a.wav'), { tags: { title: 'Tïtle 日本' } })
  t.equal((await http(url, '/library/a.wav')).json().title, 'Tïtle 日本')
  const bytes = readFileSync(file)
  bytes.write('Tïtle', bytes.indexOf('Tïtle'), 'latin1')
  bytes.fill(0x20, bytes.indexOf('T\xeftle', 0, 'latin1') + 5, bytes.indexOf('本') + 3)
  writeFileSync(join(music, 'b.wav'), bytes)
  t.equal((await http(url, '/library/b.wav')).json().title, 'Tïtle')
})

t.test('everything else is an error in words', async t => {
  const { url, music } = await build(t)
  writeFileSync(join(music, 'a.flac'), 'x')
  for (const path of ['missing', 'missing.flac', '..', '%2e%2e', '.hidden', 'a.flac/b', '%00', 'a//b', '%2Fetc', 'x'.repeat(300)]) {
    t.match((await http(url, `/library/${path}`)).json(), { statusCode: 404, message: /^(No such folder or track|There is nothing here)$/ }, path)
  }
  for (const [query, message] of [
    ['offset=-1', /^offset must be a whole number/], ['limit=0', /^limit must be a whole number from 1 to 500$/],
    ['limit=501', /^limit/], ['filter=a&filter=b', /^filter must be given once/], ['sort=x', /^There is no sort: only offset/]
  ] as const) {
    t.match((await http(url, `/library/?${query}`)).json(), { statusCode: 400, message }, query)
  }
  t.match((await http(url, '/library/%ff')).json(), { statusCode: 400 })
})

t.test('broken tags are absent fields', async t => {
  const { url, music } = await build(t)
  writeFileSync(join(music, 'text.flac'), 'no audio')
  writeFileSync(join(music, 'empty.mp3'), '')
  writeFileSync(join(music, 'page.ogg'), 'OggS')
  truncateSync(makeTrack(join(music, 'cut.flac'), { tags: { title: 'Cut' } }), 60)
  writeFileSync(join(music, 'huge.mp3'), Buffer.concat([Buffer.from('ID3\x04\0\0\x7f\x7f\x7f\x7f', 'latin1'), Buffer.alloc(100)]))
  makeTrack(join(music, 'long.mp3'), { tags: { title: 'x'.repeat(5000) } })
  const { entries } = (await http(url, '/library')).json()
  t.equal(entries.length, 6)
  for (const { name, title, size, cached } of entries) {
    t.same([typeof size, cached], ['number', []], name)
    t.equal(title, name === 'long.mp3' ? 'x'.repeat(500) : undefined, name)
  }
})

t.test('a changed track has its new tags at once, and a deleted one is not found', async t => {
  const { url, music } = await build(t)
  const file = makeTrack(join(music, 'a.flac'), { tags: { title: 'Old' } })
  const track = async () => (await http(url, '/library/a.flac')).json()
  t.equal((await track()).title, 'Old')
  t.equal((await track()).title, 'Old')
  makeTrack(file, { tags: { title: 'New' } })
  t.equal((await track()).title, 'New')
  rmSync(file)
  t.equal((await track()).statusCode, 404)
})

t.test('5,000 tracks come in pages, each with its tags', async t => {
  const { url, music } = await build(t)
  for (let i = 1; i <= 5000; i++) writeFileSync(join(music, `${i}.mp3`), 'x')
  mkdirSync(join(music, 'folder'))
  const page = async (query: string) => (await http(url, `/library?${query}`)).json()
  const first = await page('')
  t.match(first, { total: 5001, folders: 1, offset: 0, limit: 100 })
  t.same(first.entries.slice(0, 3).map(({ name }: { name: string }) => name), ['folder', '1.mp3', '2.mp3'])
  t.equal(first.entries.length, 100)
  t.same((await page('offset=4999&limit=5')).entries.map(({ name }: { name: string }) => name), ['4999.mp3', '5000.mp3'])
  t.same((await page('offset=6000')).entries, [])
  t.match(await page('filter=499&limit=2'), { total: 15, entries: { length: 2 } })
})

t.test('LIBRARY_ACCESS decides who may list the library', async t => {
  const status = async (url: string, path: string, headers = {}) => (await http(url, path, { headers })).status
  const guarded = await build(t, { ADMIN_TOKEN: 'secret' })
  writeFileSync(join(guarded.music, 'a.mp3'), 'x')
  for (const path of ['/library', '/library/a.mp3', '/library/nothing', '/cover/', '/cover/nothing']) {
    t.equal(await status(guarded.url, path), 401, path)
    t.not(await status(guarded.url, path, { authorization: 'Bearer secret' }), 401, path)
  }
  t.equal(await status(guarded.url, '/play/a.mp3'), 200)
  t.equal(await status(guarded.url, '/cover/a.mp3'), 404, 'the cover of a track is open, and this one has none')
  t.test('public', async t => {
    const { url } = await build(t, { ADMIN_TOKEN: 'secret', LIBRARY_ACCESS: 'public' })
    t.equal(await status(url, '/library'), 200)
    t.equal(await status(url, '/admin/cache/stats'), 401)
  })
})
