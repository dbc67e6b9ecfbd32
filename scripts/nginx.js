import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { spawnChild } from './child.js'
import { freePort } from './free-port.js'

/**
 * Starts nginx as a child process, on loopback. Its temporary files and errors stay in a folder.
 *
 * @param {{ dir: string, configure(port: number): string }} options the folder, which is made; and a function that makes
 * the configuration of an nginx that listens on a port
 * @returns {Promise<{ url: string, child: import('node:child_process').ChildProcess, stop(): Promise<void> }>}
 */
export async function startNginx ({ dir, configure }) {
  mkdirSync(dir)
  const port = await freePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${join(dir, name)};`).join(' ')
  const conf = configure(port).replace('http {', `http { ${temporary}`)
  // A root process of nginx starts workers as another user, who may not read all folders.
  writeFileSync(join(dir, 'nginx.conf'), `user root; daemon off; pid ${dir}/pid; error_log ${dir}/error.log;\n${conf}`)
  const args = ['-p', dir, '-c', join(dir, 'nginx.conf'), '-e', join(dir, 'error.log')]
  const child = spawnChild('nginx', args, { env: { PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` }, stdio: 'ignore' })
  const exited = once(child, 'exit')
  while (!await accepts(port)) {
    if (child.exitCode !== null) throw new Error(readFileSync(join(dir, 'error.log'), 'utf8'))
    await setTimeout(10)
  }
  return {
    url: `http://127.0.0.1:${port}`,
    child,
    async stop () {
      child.kill('SIGTERM')
      await exited
    }
  }
}

/**
 * Starts nginx with nginx.conf, in which addresses and paths are replaced.
 *
 * @param {{ dir: string, streaming: string[], music: string, cache: string }} options streaming: base URLs of the replicas;
 * music, cache: absolute paths
 */
export async function startFront ({ dir, streaming, music, cache }) {
  return await startNginx({
    dir,
    configure: port => readFileSync(new URL('../nginx.conf', import.meta.url), 'utf8')
      .replace('listen 80', `listen 127.0.0.1:${port}`)
      .replace(/server streaming:5000 (.*)\n/, (_, options) => streaming.map(url => `server ${new URL(url).host} ${options}\n`).join(''))
      .replace('/music/', `${music}/`)
      .replace('/cache/;', `${cache}/;`)
  })
}

async function accepts (port) {
  const socket = connect(port, '127.0.0.1')
  return await once(socket, 'connect').then(() => true, () => false).finally(() => socket.destroy())
}
