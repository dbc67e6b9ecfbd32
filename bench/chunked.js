import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { join } from 'node:path'

/** A peer of the benchmark: the usual way to play a track while it is transcoded. ffmpeg's output is sent without a length. */
const server = createServer((request, response) => {
  const file = join(process.env.MUSIC_ROOT, new URL(request.url, 'http://x').pathname.slice('/play/'.length))
  const ffmpeg = spawn('ffmpeg', [
    '-v', 'error', '-nostdin', '-i', file, '-map', '0:a:0', '-c:a', 'libmp3lame', '-b:a', '192k', '-f', 'mp3', 'pipe:1'
  ], { stdio: ['ignore', 'pipe', 'ignore'] })
  response.writeHead(200, { 'content-type': 'audio/mpeg' })
  ffmpeg.stdout.pipe(response)
  response.on('close', () => ffmpeg.kill('SIGKILL'))
})
server.listen(0, '127.0.0.1', () => { console.log(`listening at http://127.0.0.1:${server.address().port}`) })
