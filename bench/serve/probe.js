import { Agent, request } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'

/** Asks for one head every 50 ms, on a thread that does nothing else; says how long each took, in ms. */
const { port, path, seconds } = workerData
const agent = new Agent({ keepAlive: true })
const times = []
const end = performance.now() + seconds * 1000
while (performance.now() < end) {
  const began = performance.now()
  await new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, method: 'HEAD', agent }, answer => answer.resume().on('end', resolve))
      .on('error', reject).end()
  })
  times.push(performance.now() - began)
  await setTimeout(50)
}
agent.destroy()
parentPort.postMessage(times)
