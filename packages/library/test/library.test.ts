import { execFileSync } from 'node:child_process'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { t } from 'tap'
import { Library } from '../src/library.ts'

t.test('open() opens an audio file of the library, whatever its name', async t => {
  const names = [
    'a.flac', 'UPPER.FLAC', 'jazz/so what.flac', 'a+b & c.mp3', '100%.ogg', '%41.wav', 'Ünïcödé 音楽.m4a', '-v.flac',
    'concat:a.flac', 'pipe:0.wav', 'a\\b.mp3', 'new\nline.mp3', '"quoted" \'name\'.opus', `${'x'.repeat(250)}.flac`
  ]
  const root = t.testdir()
  for (const name of names) {
    mkdirSync(join(root, 'jazz'), { recursive: true })
    writeFileSync(join(root, name), 'audio')
  }
  symlinkSync('a.flac', join(root, 'link.flac'))
  const library = new Library(root)
  for (const name of [...names, 'link.flac']) {
    const track = await library.open(name)
    t.equal(track?.size, 5, name)
    await track?.close()
  }
})

t.test('open() returns undefined for everything else', { timeout: 5000 }, async t => {
  const dir = t.testdir({
    outside: { 'secret.flac': 'x', dir: { 'a.flac': 'x' } },
    music: {
      'a.flac': 'x', '.hidden.flac': 'x', '.dir': { 'a.flac': 'x' }, 'text.txt': 'x', 'no-extension': 'x', 'dir.flac': {}
    },
    'music-too': { 'a.flac': 'x' }
  })
  const root = join(dir, 'music')
  symlinkSync(join(dir, 'outside/secret.flac'), join(root, 'out.flac'))
  symlinkSync(join(dir, 'outside/dir'), join(root, 'out-dir'))
  symlinkSync('loop.flac', join(root, 'loop.flac'))
  symlinkSync('nowhere.flac', join(root, 'dead.flac'))
  symlinkSync('text.txt', join(root, 'not-audio.flac'))
  symlinkSync('.hidden.flac', join(root, 'to-hidden.flac'))
  execFileSync('mkfifo', [join(root, 'fifo.flac')])
  // The path of a socket may have at most 107 bytes (unix(7)). So it is bound to a short path, and moved.
  const short = mkdtempSync(join(tmpdir(), 'socket-'))
  const socket = createServer().listen(join(short, 's'))
  await once(socket, 'listening')
  renameSync(join(short, 's'), join(root, 'socket.flac'))
  t.teardown(() => {
    socket.close()
    rmSync(short, { recursive: true })
  })

  const library = new Library(root)
  for (const path of [
    '', '.', '..', '/', 'a.flac/', '/a.flac', '//a.flac', './a.flac', 'x/../a.flac', '../music/a.flac',
    '../music-too/a.flac', '../outside/secret.flac', join(root, 'a.flac'), 'a.flac\0', 'a.flac\0.mp3', 'missing.flac',
    '.hidden.flac', '.dir/a.flac', 'text.txt', 'no-extension', 'dir.flac', 'a.flac/b.flac', 'out.flac',
    'out-dir/a.flac', 'loop.flac', 'dead.flac', 'not-audio.flac', 'to-hidden.flac', 'fifo.flac', 'socket.flac',
    `${'x'.repeat(300)}.flac`, `${'x/'.repeat(3000)}a.flac`
  ]) {
    t.equal(await library.open(path), undefined, JSON.stringify(path.slice(0, 40)))
  }
})

t.test('a file that changes gets another version and another entity tag', async t => {
  const root = t.testdir({ 'a.flac': 'one' })
  const library = new Library(root)
  const before = await library.open('a.flac')
  writeFileSync(join(root, 'a.flac'), 'two')
  const after = await library.open('a.flac')
  t.not(before?.version, after?.version)
  t.not(before?.etag, after?.etag)
  await before?.close()
  await after?.close()
})
