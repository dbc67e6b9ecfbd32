import { t } from 'tap'
import { deduplicationId, parseTranscodeJob } from '../src/job.ts'

const job = { path: 'jazz/so-what.flac', quality: 'medium', reason: 'miss' }

t.test('parseTranscodeJob() accepts a job of the producer', async t => {
  t.same(parseTranscodeJob(job), job)
  t.same(parseTranscodeJob({ ...job, requestId: 'a1.B-2_c' }), { ...job, requestId: 'a1.B-2_c' })
})

t.test('parseTranscodeJob() refuses everything else, and its error names the reason', async t => {
  const wrong: [unknown, RegExp][] = [
    [null, /data must be object/],
    ['x', /data must be object/],
    [{ ...job, path: 1 }, /\/path must be string/],
    [{ ...job, path: '' }, /\/path must not have fewer than 1 characters/],
    [{ ...job, path: 'x'.repeat(1e7) }, /\/path must not have more than 4096 characters/],
    [{ ...job, path: '/etc/passwd' }, /\/path must be the path of an audio file/],
    [{ ...job, path: '/music/a.flac' }, /\/path must be the path of an audio file/],
    [{ ...job, path: '../a.flac' }, /\/path must be the path of an audio file/],
    [{ ...job, path: 'a/../../b.flac' }, /\/path must be the path of an audio file/],
    [{ ...job, path: 'a.flac\0.mp3' }, /\/path must be the path of an audio file/],
    [{ ...job, quality: 'original' }, /\/quality must/],
    [{ ...job, quality: ['low'] }, /\/quality must/],
    [{ ...job, reason: 'because' }, /\/reason must/],
    [{ path: job.path, quality: 'low' }, /required/],
    [{ ...job, requestId: 'a\nb' }, /\/requestId must match pattern/],
    [{ ...job, requestId: '' }, /\/requestId must match pattern/],
    [{ ...job, traceparent: '00-1-2-01' }, /\/traceparent must match pattern/],
    [{ ...job, output: '/etc/cron.d/x' }, /is not a field of a job/],
    [JSON.parse('{"__proto__": {"x": 1}, "path": "a.flac", "quality": "low", "reason": "miss"}'), /is not a field of a job/]
  ]
  for (const [data, message] of wrong) t.throws(() => parseTranscodeJob(data), { message })
})

t.test('the deduplication id depends on the track and the quality, and is valid for BullMQ', async t => {
  const id = deduplicationId({ path: 'a:b.flac', quality: 'low' })
  t.match(id, /^[0-9a-f]{64}$/)
  t.equal(deduplicationId({ path: 'a:b.flac', quality: 'low' }), id)
  t.not(deduplicationId({ path: 'a:b.flac', quality: 'high' }), id)
})
