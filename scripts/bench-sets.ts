/**
 * What sets do on this machine: `node scripts/bench-sets.ts [rates] [halves] [--operations N]`. See
 * docs/benchmarks.md. `halves` needs network namespaces, and so root.
 */
import { enter, hindrance, isInside } from '../test/chaos/namespaces.ts'
import { measureHalves } from './bench/sets-halves.ts'
import { measureRates } from './bench/sets-rates.ts'
import { BATCH, say } from './bench/sets-work.ts'

const EXIT_USAGE = 2
const OPERATIONS = 100_000

const parameters = process.argv.slice(2)
const at = parameters.indexOf('--operations')
const operations = at < 0 ? OPERATIONS : Number(parameters[at + 1])
const parts = parameters.filter((_, index) => at < 0 || (index !== at && index !== at + 1))
if (parts.some((part) => part !== 'rates' && part !== 'halves') || !Number.isSafeInteger(operations) || operations < BATCH) {
  console.error('usage: node scripts/bench-sets.ts [rates] [halves] [--operations N]')
  process.exit(EXIT_USAGE)
}
if (isInside()) {
  await measureHalves(operations)
} else {
  if (parts.length === 0 || parts.includes('rates')) await measureRates(operations)
  if (parts.length === 0 || parts.includes('halves')) {
    const why = hindrance()
    if (why === undefined) process.exitCode = await enter(new AbortController().signal)
    else say(`no halves: ${why}`)
  }
}
