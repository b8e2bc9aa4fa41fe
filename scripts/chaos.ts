/**
 * `npm run chaos -- --seconds N --seed S [--clusters C --peers P --clients K]`: real peers as
 * processes on this machine, clients of keys and registers at all of them, and faults drawn from the
 * seed; then everything is mended, the network must be whole again, and the history is checked twice.
 * `--logs kv,redis,sqlite`: logs over these stores too, at five peers of one cluster; their stores are
 * killed, their members leave and come back.
 * `--far MS`: the last cluster lies so far from the others, one way. `--planted BUG` puts a bug
 * into the peers, which must be found.
 *
 * Where the machine lets us, each peer has a network namespace, in which links are cut; with
 * `--no-namespaces` the peers drop what they would send over a link that is cut.
 *
 * The last line is `chaos: seed S, N operations, V violations`; ends with 1 when there is one, and
 * keeps the logs.
 */
import { parseArgs } from 'node:util'
import { PLANTED } from '../test/chaos/control.ts'
import type { Planted } from '../test/chaos/control.ts'
import { LOG_KINDS } from '../test/chaos/logs/dialects.ts'
import type { LogKind } from '../test/chaos/logs/dialects.ts'
import { whyNoRedis } from '../test/integration/redis-server.ts'
import { enter, hindrance, isInside } from '../test/chaos/namespaces.ts'
import { describeOptions, drawOptions } from '../test/chaos/options.ts'
import { describeResult } from '../test/chaos/report.ts'
import { runChaos } from '../test/chaos/run.ts'
import { whenOrphaned } from './run.ts'

const EXIT_FAILED = 1
const EXIT_USAGE = 2
/** Shells tell an end by a signal so; to it the number of the signal is added. */
const EXIT_SIGNAL_BASE = 128
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const
const SEED_LIMIT = 1_000_000_000
const SECONDS_DEFAULT = 60

/** @throws TypeError when it is none */
function whole(name: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new TypeError(`--${name} takes a whole number, not ${text}`)
  return Number(text)
}

function parse(): Parameters<typeof drawOptions>[0] {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      seconds: { type: 'string', default: String(SECONDS_DEFAULT) },
      seed: { type: 'string', default: String(Math.floor(Math.random() * SEED_LIMIT)) },
      clusters: { type: 'string' },
      peers: { type: 'string' },
      clients: { type: 'string' },
      planted: { type: 'string' },
      far: { type: 'string', default: '0' },
      logs: { type: 'string', default: '' },
      namespaces: { type: 'boolean', default: hindrance() === undefined },
    },
  })
  const optional = (name: 'clusters' | 'peers' | 'clients'): number | undefined => {
    const text = values[name]
    return text === undefined ? undefined : whole(name, text)
  }
  if (values.planted !== undefined && !PLANTED.some((name) => name === values.planted))
    throw new TypeError(`--planted takes one of ${PLANTED.join(', ')}`)
  const logs = values.logs.split(',').filter((kind) => kind !== '')
  const strange = logs.find((kind) => !LOG_KINDS.some((known) => known === kind))
  if (strange !== undefined) throw new TypeError(`--logs takes some of ${LOG_KINDS.join(', ')}, not ${strange}`)
  const whyNot = logs.includes('redis') && whyNoRedis()
  if (whyNot !== false) throw new TypeError(whyNot)
  return {
    seed: whole('seed', values.seed),
    seconds: whole('seconds', values.seconds),
    clusters: optional('clusters'),
    peersPerCluster: optional('peers'),
    clients: optional('clients'),
    farMs: whole('far', values.far),
    planted: values.planted as Planted | undefined,
    namespaces: values.namespaces,
    logs: logs as LogKind[],
  }
}

async function main(): Promise<number> {
  let asked: Parameters<typeof drawOptions>[0]
  try {
    asked = parse()
  } catch (error) {
    console.error((error as Error).message)
    return EXIT_USAGE
  }
  const stopping = new AbortController()
  whenOrphaned(() => stopping.abort(EXIT_FAILED), isInside())
  if (asked.namespaces === true && !isInside()) return enter(stopping.signal)
  const options = drawOptions(asked)
  console.log(`chaos: seed ${options.seed}\n${describeOptions(options)}\n`)
  for (const [name, number] of Object.entries(SIGNALS)) process.on(name, () => stopping.abort(EXIT_SIGNAL_BASE + number))
  const startedMs = performance.now()
  const say = (text: string): void => console.log(`${((performance.now() - startedMs) / 1_000).toFixed(1).padStart(7)} s  ${text}`)
  try {
    const result = await runChaos(options, say, stopping.signal)
    for (const line of describeResult(result)) console.log(line)
    console.log(`\nchaos: seed ${options.seed}, ${result.operations} operations, ${result.violations.length} violations`)
    return result.violations.length === 0 ? 0 : EXIT_FAILED
  } catch (error) {
    if (stopping.signal.aborted) return stopping.signal.reason as number
    console.error(error)
    return EXIT_FAILED
  }
}

process.exit(await main())
