/**
 * `npm run fuzz -- --seconds N [--seed S] [--first CASE --cases COUNT] [--root DIR] [--preload FILE]`:
 * says things that are almost right to a real peer: frames, HTTP, messages of the DHT and of
 * identify. Prints its seed first; ends with 1, and with how to say the same again, when the peer
 * ends, stands still or answers with a wrong class. `--preload` gives the peer's Node a module to
 * load first: a fault that is planted shows that it is found.
 */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { runFuzz } from './fuzz/run.ts'
import type { FuzzOptions } from './fuzz/run.ts'
import { ROOT, whenOrphaned } from './run.ts'

const EXIT_FAILED = 1
const EXIT_USAGE = 2
/** Shells tell an end by a signal so; to it the number of the signal is added. */
const EXIT_SIGNAL_BASE = 128
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const
const SEED_LIMIT = 1_000_000_000
const SECONDS_DEFAULT = '30'

/** @throws TypeError with what is wrong with the command line */
function parse(): FuzzOptions {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    options: {
      seconds: { ...text, default: SECONDS_DEFAULT },
      seed: text,
      first: { ...text, default: '0' },
      cases: text,
      root: text,
      preload: text,
    },
  })
  const whole = (name: string, given: string): number => {
    if (!/^\d{1,9}$/.test(given)) throw new TypeError(`--${name} takes a whole number, not ${given}`)
    return Number(given)
  }
  return {
    root: values.root === undefined ? ROOT : resolve(values.root),
    seconds: whole('seconds', values.seconds),
    seed: values.seed === undefined ? Math.floor(Math.random() * SEED_LIMIT) : whole('seed', values.seed),
    first: whole('first', values.first),
    cases: values.cases === undefined ? undefined : whole('cases', values.cases),
    nodeFlags: values.preload === undefined ? [] : ['--import', pathToFileURL(resolve(values.preload)).href],
  }
}

async function main(): Promise<number> {
  let options: FuzzOptions
  try {
    options = parse()
  } catch (error) {
    console.error((error as Error).message)
    return EXIT_USAGE
  }
  console.log(`fuzz: seed ${options.seed}`)
  const stopping = new AbortController()
  for (const [name, number] of Object.entries(SIGNALS)) process.on(name, () => stopping.abort(EXIT_SIGNAL_BASE + number))
  whenOrphaned(() => stopping.abort(EXIT_FAILED))
  // A connection that the peer cuts while we write to it is what is wanted here.
  process.on('uncaughtException', () => {})
  process.on('unhandledRejection', () => {})
  const { said, found } = await runFuzz(options, stopping.signal)
  console.log([...said].map(([kind, count]) => `${count} x ${kind}`).join(', '))
  if (stopping.signal.aborted) return stopping.signal.reason as number
  if (found === undefined) {
    console.log('fuzz: nothing found')
    return 0
  }
  const { number, kind, what } = found
  console.log(`fuzz: case ${number} (${kind}): ${what}`)
  console.log(`the same again: npm run fuzz -- --seed ${options.seed} --cases ${number + 1}`)
  console.log(`that case alone: npm run fuzz -- --seed ${options.seed} --first ${number} --cases 1`)
  return EXIT_FAILED
}

try {
  process.exit(await main())
} catch (error) {
  console.error(error)
  process.exit(EXIT_FAILED)
}
