import { t } from 'tap'
import { id3v1 } from '../src/id3v1.ts'
import { id3v2 } from '../src/id3v2.ts'

t.test('the tag has 128 bytes, whatever the characters of the ID3v2 tag', async t => {
  const tags = { title: '音'.repeat(50), track: '300', date: '1999-02-03' }
  const tag = id3v1(id3v2(tags, { description: 'x', value: 'y' }))
  t.equal(tag.length, 128)
  t.equal(tag.toString('latin1', 0, 3), 'TAG')
  t.equal(tag.toString('latin1', 93, 97), '1999')
})
