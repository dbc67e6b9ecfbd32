import { t } from 'tap'
import { carriesEntityTag, evaluatePreconditions, type Evaluation } from '../src/serving/preconditions.ts'

const modifiedAt = Date.UTC(2026, 0, 2, 3, 4, 5)
const date = new Date(modifiedAt).toUTCString()
const earlier = new Date(modifiedAt - 1000).toUTCString()
const later = new Date(modifiedAt + 1000).toUTCString()
const validators = { etag: '"a"', lastModified: modifiedAt }

t.test('preconditions are evaluated in the order of RFC 9110', async t => {
  const cases: [Record<string, string>, Evaluation][] = [
    [{}, 'proceed'],
    [{ 'if-match': '"a"' }, 'proceed'],
    [{ 'if-match': '"x", "a"' }, 'proceed'],
    [{ 'if-match': '*' }, 'proceed'],
    [{ 'if-match': '"x"' }, 'failed'],
    [{ 'if-match': 'W/"a"' }, 'failed'],
    [{ 'if-match': 'a' }, 'failed'],
    [{ 'if-match': '"a"', 'if-unmodified-since': earlier }, 'proceed'],
    [{ 'if-unmodified-since': earlier }, 'failed'],
    [{ 'if-unmodified-since': date }, 'proceed'],
    [{ 'if-unmodified-since': 'yesterday' }, 'proceed'],
    [{ 'if-unmodified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' }, 'failed'],
    [{ 'if-none-match': '"a"' }, 'not-modified'],
    [{ 'if-none-match': 'W/"a"' }, 'not-modified'],
    [{ 'if-none-match': '"x", "a"' }, 'not-modified'],
    [{ 'if-none-match': '*' }, 'not-modified'],
    [{ 'if-none-match': '"x"' }, 'proceed'],
    [{ 'if-none-match': '"x"', 'if-modified-since': date }, 'proceed'],
    [{ 'if-modified-since': date }, 'not-modified'],
    [{ 'if-modified-since': later }, 'not-modified'],
    [{ 'if-modified-since': earlier }, 'proceed'],
    [{ 'if-modified-since': 'Friday, 02-Jan-26 03:04:05 GMT' }, 'not-modified'],
    [{ 'if-modified-since': 'Fri Jan  2 03:04:05 2026' }, 'not-modified'],
    [{ 'if-modified-since': '2026-01-02' }, 'proceed'],
    [{ 'if-match': '"x"', 'if-none-match': '"a"' }, 'failed'],
    [{ 'if-match': '"a"', 'if-none-match': '"a"' }, 'not-modified'],
    [{ 'if-range': '"a"' }, 'proceed'],
    [{ 'if-range': 'W/"a"' }, 'ignore-range'],
    [{ 'if-range': '"x"' }, 'ignore-range'],
    [{ 'if-range': '"x", "a"' }, 'ignore-range'],
    [{ 'if-range': date }, 'proceed'],
    [{ 'if-range': later }, 'ignore-range'],
    [{ 'if-range': 'soon' }, 'ignore-range']
  ]
  for (const [headers, outcome] of cases) t.equal(evaluatePreconditions(headers, validators), outcome, JSON.stringify(headers))
})

t.test('dates are ignored for a representation without a modification date, such as a file from the future', async t => {
  t.equal(evaluatePreconditions({ 'if-modified-since': later }, { etag: '"a"' }), 'proceed')
  t.equal(evaluatePreconditions({ 'if-unmodified-since': earlier }, { etag: '"a"' }), 'proceed')
  t.equal(evaluatePreconditions({ 'if-range': date }, { etag: '"a"' }), 'ignore-range')
})

t.test('carriesEntityTag() tells whether a request names a representation', async t => {
  t.ok(carriesEntityTag({ 'if-range': '"a"' }, '"a"'))
  t.ok(carriesEntityTag({ 'if-match': '"x", "a"' }, '"a"'))
  t.ok(carriesEntityTag({ 'if-none-match': 'W/"a"' }, '"a"'))
  t.notOk(carriesEntityTag({ 'if-none-match': '"aa"' }, '"a"'))
  t.notOk(carriesEntityTag({ 'if-none-match': '*' }, '"a"'))
  t.notOk(carriesEntityTag({ 'if-range': date }, '"a"'))
  t.notOk(carriesEntityTag({}, '"a"'))
})
