import { t } from 'tap'
import { parseProvenance, PROVENANCE_REACH, transcodeTag, type Provenance } from '../src/provenance.ts'

const provenance: Provenance = { file: 'Wie schön – 1.flac', version: '1-2', samples: 3, profile: 1, generation: 'abc' }

t.test('provenance is read back from the tag', async t => {
  const tag = transcodeTag({ title: 'Größe 音' }, provenance)
  t.same(parseProvenance(tag), { ...provenance, tagSize: tag.length })
})

t.test('provenance lies within PROVENANCE_REACH, however long the tags and the file name are', async t => {
  const tag = transcodeTag({ title: 'x'.repeat(1e6) }, { ...provenance, file: `${'é'.repeat(120)}.flac` })
  t.ok(parseProvenance(tag.subarray(0, PROVENANCE_REACH)))
})

t.test('provenance that is not valid JSON is ignored', async t => {
  const tag = transcodeTag({}, provenance).toString('latin1').replace('{', '[')
  t.equal(parseProvenance(Buffer.from(tag, 'latin1')), undefined)
})
