import { t } from 'tap'
import { evaluate, isAbout, type Outcome } from '../src/serving/preconditions.ts'

const at = Date.UTC(2026, 0, 2, 3, 4, 5)
const date = new Date(at).toUTCString()
const earlier = new Date(at - 1000).toUTCString()
const later = new Date(at + 1000).toUTCString()
const validators = { etag: '"a"', lastModified: at }

t.test('conditions in their order of precedence', async t => {
  const cases: [Record<string, string>, Outcome][] = [
    [{}, 'whole-or-part'],
    [{ 'if-match': '"a"' }, 'whole-or-part'],
    [{ 'if-match': '"x", "a"' }, 'whole-or-part'],
    [{ 'if-match': '*' }, 'whole-or-part'],
    [{ 'if-match': '"x"' }, 'failed'],
    [{ 'if-match': 'W/"a"' }, 'failed'],
    [{ 'if-match': 'a' }, 'failed'],
    [{ 'if-match': '"a"', 'if-unmodified-since': earlier }, 'whole-or-part'],
    [{ 'if-unmodified-since': earlier }, 'failed'],
    [{ 'if-unmodified-since': date }, 'whole-or-part'],
    [{ 'if-unmodified-since': 'yesterday' }, 'whole-or-part'],
    [{ 'if-none-match': '"a"' }, 'not-modified'],
    [{ 'if-none-match': 'W/"a"' }, 'not-modified'],
    [{ 'if-none-match': '"x", "a"' }, 'not-modified'],
    [{ 'if-none-match': '*' }, 'not-modified'],
    [{ 'if-none-match': '"x"' }, 'whole-or-part'],
    [{ 'if-none-match': '"x"', 'if-modified-since': date }, 'whole-or-part'],
    [{ 'if-modified-since': date }, 'not-modified'],
    [{ 'if-modified-since': later }, 'not-modified'],
    [{ 'if-modified-since': earlier }, 'whole-or-part'],
    [{ 'if-modified-since': 'Friday, 02-Jan-26 03:04:05 GMT' }, 'not-modified'],
    [{ 'if-modified-since': 'Fri Jan  2 03:04:05 2026' }, 'not-modified'],
    [{ 'if-modified-since': '2026-01-02' }, 'whole-or-part'],
    [{ 'if-match': '"x"', 'if-none-match': '"a"' }, 'failed'],
    [{ 'if-match': '"a"', 'if-none-match': '"a"' }, 'not-modified'],
    [{ 'if-range': '"a"' }, 'whole-or-part'],
    [{ 'if-range': 'W/"a"' }, 'whole'],
    [{ 'if-range': '"x"' }, 'whole'],
    [{ 'if-range': '"x", "a"' }, 'whole'],
    [{ 'if-range': date }, 'whole-or-part'],
    [{ 'if-range': later }, 'whole'],
    [{ 'if-range': 'soon' }, 'whole']
  ]
  for (const [headers, outcome] of cases) t.equal(evaluate(headers, validators), outcome, JSON.stringify(headers))
})

t.test('a file from the future has no date to compare', async t => {
  t.equal(evaluate({ 'if-modified-since': later }, { etag: '"a"' }), 'whole-or-part')
  t.equal(evaluate({ 'if-unmodified-since': earlier }, { etag: '"a"' }), 'whole-or-part')
  t.equal(evaluate({ 'if-range': date }, { etag: '"a"' }), 'whole')
})

t.test('a request is about the representation that it names', async t => {
  t.ok(isAbout({ 'if-range': '"a"' }, '"a"'))
  t.ok(isAbout({ 'if-match': '"x", "a"' }, '"a"'))
  t.ok(isAbout({ 'if-none-match': 'W/"a"' }, '"a"'))
  t.notOk(isAbout({ 'if-none-match': '"aa"' }, '"a"'))
  t.notOk(isAbout({ 'if-none-match': '*' }, '"a"'))
  t.notOk(isAbout({ 'if-range': date }, '"a"'))
  t.notOk(isAbout({}, '"a"'))
})
