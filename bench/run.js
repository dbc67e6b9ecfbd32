import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { ensurePrerequisites } from '../scripts/prerequisites.js'

/** `npm run bench [section …]`: prints the tables of each section, and writes data/bench.json. */
const SECTIONS = {
  cache: 'benchCache',
  cold: 'benchCold',
  library: 'benchLibrary',
  nightly: 'benchNightly',
  reservoir: 'benchReservoir',
  scale: 'benchScale',
  serve: 'benchServe',
  transcode: 'benchTranscode'
}

/** Programs that a section needs in addition to those of the services, and the Debian package of each. */
const PROGRAMS = {
  library: { chromium: 'chromium' },
  scale: { wrk: 'wrk', nginx: 'nginx-light' },
  serve: { wrk: 'wrk', nginx: 'nginx-light', ip: 'iproute2' }
}

const requested = process.argv.slice(2)
const unknown = requested.filter(name => !(name in SECTIONS))
if (unknown.length > 0) {
  console.error(`Unknown section: ${unknown.join(', ')}. Sections: ${Object.keys(SECTIONS).join(', ')}`)
  process.exit(1)
}
const names = requested.length > 0 ? requested : Object.keys(SECTIONS)
ensurePrerequisites(Object.assign({}, ...names.map(name => PROGRAMS[name])))

const report = { date: new Date().toISOString(), cpu: cpus()[0]?.model, cores: cpus().length, node: process.version }
console.log(`${report.date} · ${report.cores} × ${report.cpu} · Node ${report.node}`)
for (const name of names) {
  // Imported here, because ensurePrerequisites() may just have built what a section imports.
  const { [SECTIONS[name]]: section } = await import(`./${name}.js`)
  const result = report[name] = await section()
  // A section returns rows, or several tables by title.
  const tables = Array.isArray(result) ? { [name]: result } : result
  for (const [title, rows] of Object.entries(tables)) console.log(`\n## ${title}\n\n${table(rows)}`)
}
mkdirSync('data', { recursive: true })
writeFileSync('data/bench.json', JSON.stringify(report, null, 2))

function table (rows) {
  const columns = Object.keys(rows[0])
  const line = cells => `| ${cells.join(' | ')} |`
  return [line(columns), line(columns.map(() => '--:')), ...rows.map(row => line(columns.map(name => row[name] ?? '')))].join('\n')
}
