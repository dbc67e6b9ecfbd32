import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { benchCache } from './cache.js'
import { benchCold } from './cold.js'

/** `npm run bench [section …]`: prints a table for each section, and writes data/bench.json. */
const SECTIONS = { cache: benchCache, cold: benchCold }

const wanted = process.argv.slice(2)
const unknown = wanted.filter(name => !(name in SECTIONS))
if (unknown.length > 0) {
  console.error(`There is no section ${unknown.join(', ')}: only ${Object.keys(SECTIONS).join(', ')}`)
  process.exit(1)
}
const report = { date: new Date().toISOString(), cpu: cpus()[0]?.model, cores: cpus().length, node: process.version }
console.log(`${report.date} · ${report.cores} × ${report.cpu} · Node ${report.node}`)
for (const name of wanted.length > 0 ? wanted : Object.keys(SECTIONS)) {
  const rows = report[name] = await SECTIONS[name]()
  console.log(`\n## ${name}\n\n${table(rows)}`)
}
mkdirSync('data', { recursive: true })
writeFileSync('data/bench.json', JSON.stringify(report, null, 2))

function table (rows) {
  const columns = Object.keys(rows[0])
  const line = cells => `| ${cells.join(' | ')} |`
  return [line(columns), line(columns.map(() => '--:')), ...rows.map(row => line(columns.map(name => row[name])))].join('\n')
}
