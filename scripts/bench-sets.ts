/**
 * What sets do on this machine: `node scripts/bench-sets.ts [rates] [halves] [orbitdb]
 * [--operations N] [--orbitdb DIR]`. See docs/benchmarks.md. `halves` needs network namespaces, and
 * so root; `orbitdb` a directory in which it is installed.
 */
import { parseArgs } from 'node:util'
import { enter, hindrance, isInside } from '../test/chaos/namespaces.ts'
import { measureHalves } from './bench/sets-halves.ts'
import { INSTALL, measureOrbitdb } from './bench/sets-orbitdb.ts'
import { measureRates } from './bench/sets-rates.ts'
import { BATCH, say } from './bench/sets-work.ts'

const EXIT_USAGE = 2
const OPERATIONS = 100_000
/** OrbitDB makes a hundred or so a second. */
const OPERATIONS_BESIDE = 2_000
const USAGE = 'usage: node scripts/bench-sets.ts [rates] [halves] [orbitdb] [--operations N] [--orbitdb DIR]'
const PARTS: ReadonlySet<string> = new Set(['rates', 'halves', 'orbitdb'])

const { values, positionals: parts } = parseArgs({
  options: { operations: { type: 'string' }, orbitdb: { type: 'string' } },
  allowPositionals: true,
})
const operations = values.operations === undefined ? undefined : Number(values.operations)
if (!parts.every((part) => PARTS.has(part)) || (operations !== undefined && !(Number.isSafeInteger(operations) && operations >= BATCH))) {
  console.error(USAGE)
  process.exit(EXIT_USAGE)
}
const isWanted = (part: string): boolean => parts.length === 0 || parts.includes(part)

if (isInside()) {
  await measureHalves(operations ?? OPERATIONS)
} else {
  if (isWanted('rates')) await measureRates(operations ?? OPERATIONS)
  if (isWanted('halves')) {
    const why = hindrance()
    if (why === undefined) process.exitCode = await enter(new AbortController().signal)
    else say(`no halves: ${why}`)
  }
  if (isWanted('orbitdb')) {
    if (values.orbitdb === undefined) say(`OrbitDB is left out; for it, ${INSTALL}, and --orbitdb DIR`)
    else await measureOrbitdb(values.orbitdb, operations ?? OPERATIONS_BESIDE)
  }
}
