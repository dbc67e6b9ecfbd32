import { once } from 'node:events'
import { openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { spawnChild } from '../../scripts/child.js'
import { freePort } from '../../scripts/free-port.js'
import { pinned, SERVER_CORE } from '../cores.js'
import { STREAMING } from '../../scripts/services.js'

const STATIC = fileURLToPath(new URL('static.js', import.meta.url))
const ENV = { PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin`, NODE_ENV: 'production' }

/**
 * The servers that are compared: how each is started on a port, and the paths of the same files on each.
 *
 * `ours` is the streaming service. It logs each hit to a file and counts it in Redis. The others log nothing.
 *
 * @param {import('./site.js').Site} site
 */
export function servers ({ dir, env, redis }) {
  const files = {
    mp3: name => `/cache/${name}_medium.mp3`,
    flac: name => `/music/${name}.flac`
  }
  return {
    ours: {
      command: () => STREAMING.command,
      env: port => ({ ...env, PORT: `${port}` }),
      helpers: [redis.child.pid],
      mp3: name => `/play/${name}.flac?quality=medium`,
      flac: name => `/play/${name}.flac`,
      miss: name => `/play/${name}.flac?quality=low`
    },
    nginx: { command: port => ['nginx', '-e', join(dir, 'nginx.log'), '-c', nginxConf(dir, port)], ...files },
    '@fastify/static': { command: port => [process.execPath, STATIC, dir, `${port}`], ...files },
    '@fastify/static tuned': { command: port => [process.execPath, STATIC, dir, `${port}`, `${256 * 1024}`], ...files }
  }
}

/** Starts a server on a core of its own. @returns its URL, its process ids, and a function that stops it */
export async function start (dir, name, server) {
  const port = await freePort()
  const [program, ...args] = pinned(SERVER_CORE, ...server.command(port))
  const log = openSync(join(dir, `${name.replaceAll(/\W/g, '-')}.log`), 'a')
  const child = spawnChild(program, args, { env: { ...ENV, ...server.env?.(port) }, stdio: ['ignore', log, 'inherit'] })
  const exited = once(child, 'exit')
  const url = `http://127.0.0.1:${port}`
  // Any status shows that it listens: no peer has a file at its root.
  while (!await fetch(url).then(({ body }) => body?.cancel().then(() => true) ?? true, () => false)) {
    if (child.exitCode !== null) throw new Error(`${name} ended with status ${child.exitCode}`)
    await setTimeout(20)
  }
  return {
    ...server,
    name,
    url,
    port,
    pid: child.pid,
    pids: [child.pid, ...server.helpers ?? []],
    async stop () {
      child.kill('SIGTERM')
      await Promise.race([exited, setTimeout(1000).then(() => child.kill('SIGKILL'))])
      await exited
    }
  }
}

/** The settings of Debian, without logs of requests and without limits that would close a connection. */
function nginxConf (dir, port) {
  const file = join(dir, `nginx-${port}.conf`)
  writeFileSync(file, `
    daemon off; user root; worker_processes 1; worker_rlimit_nofile 16384; pid ${dir}/nginx-${port}.pid;
    events { worker_connections 8192; }
    http {
      sendfile on; tcp_nopush on; tcp_nodelay on; access_log off; keepalive_requests 1000000000;
      types { audio/mpeg mp3; audio/flac flac; }
      ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${dir}/nginx-temp;`).join(' ')}
      server { listen 127.0.0.1:${port}; root ${dir}; }
    }`)
  return file
}
