import { t } from 'tap'
import { parseRange } from '../src/serving/ranges.ts'

const SIZE = 1000

t.test('a single range is parsed, or cannot be satisfied', async t => {
  const range = (first: number, last: number) => ({ first, last })
  const cases: [string, ReturnType<typeof parseRange>][] = [
    ['bytes=0-', range(0, 999)],
    ['bytes=0-0', range(0, 0)],
    ['bytes=10-19', range(10, 19)],
    ['bytes=999-', range(999, 999)],
    ['bytes=500-99999999999999999999999', range(500, 999)],
    ['bytes=-1', range(999, 999)],
    ['bytes=-1000', range(0, 999)],
    ['bytes=-1001', range(0, 999)],
    ['BYTES = 1-2 ', range(1, 2)],
    ['bytes=,1-2,', range(1, 2)],
    ['bytes=1000-', 'unsatisfiable'],
    ['bytes=99999999999999999999999-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable']
  ]
  for (const [header, expected] of cases) t.same(parseRange(header, SIZE), expected, header)
})

t.test('an invalid range is ignored', async t => {
  t.equal(parseRange(undefined, SIZE), undefined)
  for (const header of [
    '', 'bytes', 'bytes=', 'bytes=,', 'bytes=-', 'bytes=10', 'bytes==0-4', 'bytes=10-alpha', 'bytes=1.5-3',
    'bytes=5-2', 'bytes=--5', 'bytes=1-2-3', 'items=0-5', 'bytes=0x0-0x5', 'bytes=1- 2', 'bytes=0-1,x'
  ]) {
    t.equal(parseRange(header, SIZE), undefined, header)
  }
})

t.test('several ranges are ignored, unless none of them can be satisfied', async t => {
  t.equal(parseRange('bytes=0-1,5-6', SIZE), undefined)
  t.equal(parseRange('bytes=0-1,5000-', SIZE), undefined)
  t.equal(parseRange('bytes=2000-,5000-', SIZE), 'unsatisfiable')
})

t.test('no range of an empty file can be satisfied', async t => {
  for (const header of ['bytes=0-', 'bytes=0-0', 'bytes=-5']) t.equal(parseRange(header, 0), 'unsatisfiable', header)
})
