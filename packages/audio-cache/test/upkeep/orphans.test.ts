import { readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from 'tap'
import { Library } from '@mixtape/library'
import { belongsTo } from '../../src/cached-paths.ts'
import { PROFILE, transcodeTag } from '../../src/provenance.ts'
import { Thumbnails } from '../../src/thumbnails.ts'
import { clearCache } from '../../src/upkeep/clear.ts'
import { removeOrphans } from '../../src/upkeep/orphans.ts'

t.test('orphans, dead parts and empty directories are deleted; valid and foreign files are kept', async t => {
  const dir = t.testdir({
    music: { 'a.flac': 'a', 'b.flac': 'b' },
    cache: { 'other_low.mp3': 'of another tool', 'cover.jpg': 'x', empty: { deeper: {} }, '.0123456789abcdef.0123456789abcdef.part': 'x' }
  })
  const library = new Library(join(dir, 'music'))
  const write = async (name: string, source: string, version?: string, profile = PROFILE) => {
    const track = await library.open(source)
    await track?.close()
    writeFileSync(join(dir, 'cache', name), transcodeTag({}, {
      file: source, version: version ?? track?.version ?? 'gone', samples: 1, profile, generation: 'x'
    }))
  }
  await write('a_low.mp3', 'a.flac')
  await write('b_low.mp3', 'b.flac', '1-1')
  await write('c_low.mp3', 'c.flac')
  await write('a_high.mp3', 'a.flac', undefined, 0)
  await write('a_medium.mp3', 'a.flac', undefined, PROFILE - 1)
  utimesSync(join(dir, 'cache/.0123456789abcdef.0123456789abcdef.part'), 1e9, 1e9)

  const deleted: string[] = []
  const ignore = async () => {}
  t.match(await removeOrphans(join(dir, 'cache'), library, async paths => { deleted.push(...paths) }), {
    orphans: 3, parts: 1, foreign: 2, outdated: [{ path: 'a.flac', quality: 'medium' }]
  })
  t.same(deleted.sort(), ['a_high.mp3', 'b_low.mp3', 'c_low.mp3'])
  t.same(readdirSync(join(dir, 'cache')).sort(), ['a_low.mp3', 'a_medium.mp3', 'cover.jpg', 'other_low.mp3'])

  rmSync(join(dir, 'music/a.flac'))
  rmSync(join(dir, 'music/b.flac'))
  await t.rejects(removeOrphans(join(dir, 'cache'), library, ignore), { message: /empty or not mounted/ })
  rmSync(join(dir, 'music'), { recursive: true })
  await t.rejects(removeOrphans(join(dir, 'cache'), library, ignore), { message: /empty or not mounted/ })
  t.ok(readdirSync(join(dir, 'cache')).includes('a_low.mp3'))
})

t.test('thumbnails of covers that are gone or have changed are deleted', async t => {
  const dir = t.testdir({ music: { album: { 'cover.jpg': 'picture', 'a.flac': 'audio' } }, cache: {} })
  const cache = join(dir, 'cache')
  const library = new Library(join(dir, 'music'))
  const thumbnails = new Thumbnails(cache)
  const picture = await library.openPicture('album/cover.jpg')
  const track = await library.open('album/a.flac')
  const version = picture?.version ?? ''
  await picture?.close()
  await track?.close()
  await thumbnails.add({ path: 'album/cover.jpg', version }, 96, Buffer.from('valid'))
  await thumbnails.add({ path: 'album/a.flac', version: track?.version ?? '' }, 96, Buffer.from('valid'))
  await thumbnails.add({ path: 'album/cover.jpg', version: '1-1' }, 96, Buffer.from('changed'))
  await thumbnails.add({ path: 'album/front.jpg', version }, 96, Buffer.from('gone'))
  t.equal((await thumbnails.find({ path: 'album/cover.jpg', version }, 96))?.toString(), 'valid')
  t.equal(await thumbnails.find({ path: 'album/cover.jpg', version }, 256), undefined)

  t.match(await removeOrphans(cache, library, async () => {}), { orphans: 2, foreign: 0 })
  t.same(readdirSync(join(cache, 'album')).map(name => name.split('_')[0]).sort(), ['a.flac', 'cover.jpg'])
})

t.test('thumbnails of covers with names that are too long for the cache stay until their sources are gone', async t => {
  const [picture, track] = [`${'p'.repeat(240)}.jpg`, `${'t'.repeat(240)}.flac`]
  const dir = t.testdir({ music: { [picture]: 'picture', album: { [track]: 'audio', 'a.flac': 'audio' } }, cache: {} })
  const cache = join(dir, 'cache')
  const library = new Library(join(dir, 'music'))
  const thumbnails = new Thumbnails(cache)
  for (const path of [picture, `album/${track}`]) {
    const source = await library.open(path) ?? await library.openPicture(path)
    await source?.close()
    await thumbnails.add({ path, version: source?.version ?? '' }, 96, Buffer.from('valid'))
    await thumbnails.add({ path, version: '1-1' }, 96, Buffer.from('changed'))
  }
  t.match(await removeOrphans(cache, library, async () => {}), { orphans: 2 })
  t.equal(readdirSync(cache).length, 2)
  t.equal(readdirSync(join(cache, 'album')).length, 1)
  t.match(await clearCache(cache, { where: belongsTo(`album/${track}`), dryRun: true }), { files: 1 })

  rmSync(join(dir, 'music', picture))
  rmSync(join(dir, 'music/album', track))
  t.match(await removeOrphans(cache, library, async () => {}), { orphans: 2 })
})
