import { Agent, request } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'

/** Sends a HEAD request every 50 ms, on a thread of its own. Posts how long each took, in ms. */
const { port, path, seconds } = workerData
const agent = new Agent({ keepAlive: true })
const times = []
const end = performance.now() + seconds * 1000
while (performance.now() < end) {
  const startedAt = performance.now()
  await new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, method: 'HEAD', agent }, response => response.resume().on('end', resolve))
      .on('error', reject).end()
  })
  times.push(performance.now() - startedAt)
  await setTimeout(50)
}
agent.destroy()
parentPort.postMessage(times)
