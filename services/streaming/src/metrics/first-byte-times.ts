import type { Metric, Registry } from 'prom-client'
import type { Decision } from '../serving/decision.ts'

type Outcome = Decision['outcome']

const NAME = 'mixtape_first_byte_seconds'

/** Upper bounds of the buckets, in seconds. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, Infinity]

/** Times of one outcome: their number in each bucket, and their sum in seconds. */
interface Times {
  counts: number[]
  sum: number
}

/**
 * The histogram of the times to the first byte. Each answer with audio adds to it. A Histogram of prom-client would hash the
 * label and write the bound as text each time, which was 1.4 % of the CPU of a range of 64 KiB (node --cpu-prof).
 */
export class FirstByteTimes {
  readonly #times: Record<Outcome, Times> = { hit: noTimes(), live: noTimes(), miss: noTimes(), original: noTimes() }

  constructor (registry: Registry) {
    const metric = {
      name: NAME,
      help: 'Time from a request for audio to its first byte, by outcome.',
      type: 'histogram',
      get: async () => ({ ...metric, values: Object.entries(this.#times).flatMap(([outcome, times]) => samples(outcome, times)) })
    }
    registry.registerMetric(metric as unknown as Metric) // its type allows only prom-client's own classes
  }

  add (outcome: Outcome, seconds: number): void {
    const times = this.#times[outcome]
    let bucket = 0
    while (seconds > BOUNDS[bucket]!) bucket++
    times.counts[bucket]!++
    times.sum += seconds
  }
}

function noTimes (): Times {
  return { counts: BOUNDS.map(() => 0), sum: 0 }
}

/** A bucket counts those below it too (https://prometheus.io/docs/concepts/metric_types/#histogram). */
function samples (outcome: string, { counts, sum }: Times) {
  let count = 0
  const buckets = counts.map((inBucket, i) => {
    count += inBucket
    return { metricName: `${NAME}_bucket`, labels: { le: BOUNDS[i] === Infinity ? '+Inf' : `${BOUNDS[i]}`, outcome }, value: count }
  })
  return [
    ...buckets,
    { metricName: `${NAME}_sum`, labels: { outcome }, value: sum },
    { metricName: `${NAME}_count`, labels: { outcome }, value: count }
  ]
}
