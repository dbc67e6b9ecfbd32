import { Gauge } from 'prom-client'
import { t } from 'tap'
import { Metrics } from '../src/metrics.ts'

t.test('a scrape reads each time, and does not wait for what never answers', async t => {
  const metrics = new Metrics({ service: 'worker', version: '1.2.3', ping: async () => {} })
  const gauge = new Gauge({ name: 'mixtape_reads', help: 'How often it was read.', registers: [metrics.registry] })
  let reads = 0
  const unanswered: unknown[] = []
  metrics.onScrape(async () => ++reads, number => gauge.set(number ?? -1))
  metrics.onScrape(async () => await new Promise(() => {}), value => unanswered.push(value))
  metrics.onScrape(async () => { throw new Error('away') }, value => unanswered.push(value))
  await metrics.text()
  const text = await metrics.text()
  t.match(text, /^mixtape_reads 2$/m)
  t.match(text, /^mixtape_build_info\{service="worker",version="1.2.3"\} 1$/m)
  t.match(text, /^mixtape_redis_up 1$/m)
  t.match(text, /^nodejs_eventloop_lag_seconds \d/m)
  t.match(text, /^process_open_fds \d/m)
  t.same(unanswered, [undefined, undefined, undefined, undefined])
})

t.test('a Redis that does not answer is down', async t => {
  const metrics = new Metrics({ service: 'worker', version: '1.2.3', ping: async () => { throw new Error('away') } })
  t.match(await metrics.text(), /^mixtape_redis_up 0$/m)
})
