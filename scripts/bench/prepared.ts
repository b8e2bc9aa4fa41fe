/**
 * `node scripts/bench/prepared.ts [seeds]`: what the prototype of docs/one-round-trip.md gains over long distances, in simulated time, and
 * whether the checkers of the simulator find fault with it, or with it broken on purpose.
 */
import { importPlanted, installLoader } from '../../test/simulation/planted/loader.ts'
import type { simulate as Simulate } from '../../test/simulation/world.ts'
import { percentileOf } from '../statistics.ts'
import { BROKEN, PROTOTYPE } from './prepared-patches.ts'
import { figure, formatTable } from './table.ts'
import { quorumRttMs, triangle } from './topologies.ts'
import type { farApart as FarApart } from './wan.ts'

interface Wan {
  readonly farApart: typeof FarApart
}

const PUTS = 200
const BETWEEN_MS = 20
const SEEDS = 300
/** Few ranges in the swarm, so that everybody wants the same ones. */
const RANGES_OF_SWARM = '2'
const RTTS = [
  ['30, 80, 90 ms', [30, 80, 90]],
  ['80, 150, 230 ms', [80, 150, 230]],
] as const
const CASES = [
  { name: 'two round trips, as it is', planted: false, by: 'nobody', writers: [0] },
  { name: 'one writer holds all ranges', planted: true, by: 'p0000', writers: [0] },
  { name: 'one of two writers holds them', planted: true, by: 'p0000', writers: [0, 3] },
  { name: 'two writers take them from one another', planted: true, by: 'all', writers: [0, 3] },
] as const

function measure({ farApart }: Wan, [ab, ac, bc]: readonly [number, number, number], writers: readonly number[]): string[] {
  const topology = { rttMs: triangle(ab, ac, bc) }
  const model = farApart(topology)
  model.start()
  const took: number[] = []
  for (let index = 0; index < PUTS; index += 1) {
    const writer = model.peers[writers[index % writers.length] ?? 0]
    if (writer === undefined) throw new Error('no such writer')
    const { outcome, elapsedMs } = model.put(writer, `key-${index}`)
    if (outcome.kind !== 'created') throw new Error(`a put ended ${outcome.kind}`)
    took.push(elapsedMs)
    model.run(BETWEEN_MS)
  }
  const roundTripMs = quorumRttMs(topology)
  const single = took.filter((elapsedMs) => elapsedMs < 1.5 * roundTripMs).length
  return [figure(percentileOf(took, 50)), figure(percentileOf(took, 99)), `${figure((single / PUTS) * 100)} %`]
}

async function gains(): Promise<void> {
  const rows: string[][] = []
  for (const [distance, rtt] of RTTS) {
    for (const { name, planted, by, writers } of CASES) {
      process.env['PREPARED_BY'] = by
      const url = new URL('./wan.ts', import.meta.url)
      const wan = planted ? await importPlanted<Wan>(url, PROTOTYPE.name) : ((await import(url.href)) as Wan)
      rows.push([`${distance}: ${name}`, ...measure(wan, rtt, writers)])
    }
  }
  const columns = ['three clusters', 'put p50 ms', 'p99 ms', 'in one round trip']
  const note = `${PUTS} puts of new keys, one after another, 16 ranges; ranges are prepared by the first puts.`
  console.log(formatTable({ title: 'Puts with prepared ranges', note, columns, rows, raw: undefined }, false))
}

async function faults(seeds: number): Promise<void> {
  process.env['PREPARED_BY'] = 'all'
  process.env['PREPARED_RANGES'] = RANGES_OF_SWARM
  for (const bug of [PROTOTYPE, ...BROKEN]) {
    const { simulate } = await importPlanted<{ simulate: typeof Simulate }>(
      new URL('../../test/simulation/world.ts', import.meta.url),
      bug.name,
    )
    let found: string | undefined
    let played = 0
    for (let seed = 1; seed <= seeds && found === undefined; seed += 1) {
      // The codec knows nothing of what a promise of a range says besides.
      const { violation } = simulate(seed, false, { encodesAll: false })
      played = seed
      found = violation?.message
    }
    console.log(`${bug.name}: ${found === undefined ? `nothing found in ${played} seeds` : `seed ${played}: ${found.split('\n')[0]}`}`)
  }
}

installLoader([PROTOTYPE, ...BROKEN])
await gains()
await faults(Number(process.argv[2] ?? SEEDS))
