import { benchBacklog } from './scale/backlog.js'
import { benchReplicas } from './scale/replicas.js'
import { benchWorkers } from './scale/workers.js'

/**
 * Measures what more workers and more replicas bring, and how long a miss waits behind a long queue.
 *
 * @returns tables for the report
 */
export async function benchScale () {
  return {
    'scale: workers': await benchWorkers(),
    'scale: replicas behind nginx': await benchReplicas(),
    'scale: a miss, by the jobs that wait': await benchBacklog()
  }
}
