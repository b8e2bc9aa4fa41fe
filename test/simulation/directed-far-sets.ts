/**
 * Scenarios of far links in sets: who is told again what it should keep, asked again for a page of
 * a whole set, and to bar.
 */
import type { SetsContext } from '../../protocols/sets/context.ts'
import type { Holdings } from '../../protocols/sets/holdings.ts'
import { SetRows } from '../../protocols/sets/rows.ts'
import { Sweep } from '../../protocols/sets/sweep.ts'
import { Waits } from '../../protocols/sets/waits.ts'
import { WholePull } from '../../protocols/sets/whole-pull.ts'
import { FAR_MS, Watching, chainOf, quorumOf, voter } from './far-bench.ts'
import type { Scenario } from './stage.ts'

const NAMES = ['B', 'C', 'D']
const SET = 's'
/**
 * What a sweep must have time for: four questions to a far member, two round trips apart, and the
 * last one's answer.
 */
const SWEEP_ROUND_TRIPS = 7

export const FAR_SETS: readonly Scenario[] = [
  { name: 'far-sets-kept', play: farSetsKept },
  { name: 'far-sets-whole', play: farSetsWhole },
  { name: 'far-sets-barred', play: farSetsBarred },
]

/** What sets find around themselves, among far peers. */
class Holding extends Watching {
  readonly context: SetsContext
  private said = 0

  constructor() {
    super()
    for (const name of NAMES) this.meet(name, FAR_MS)
    const { self, moment, roster, nextId } = this
    const send = (): void => void (this.said += 1)
    const context: Pick<SetsContext, 'self' | 'moment' | 'roster' | 'chain' | 'nextId' | 'send'> = {
      self,
      moment,
      roster,
      chain: chainOf(quorumOf(NAMES)),
      nextId,
      send,
    }
    this.context = context as SetsContext
  }

  /** @returns true when something was said since the last look */
  hasSaid(): boolean {
    const { said } = this
    this.said = 0
    return said > 0
  }
}

/** What others should keep for a client is not told again while they may be answering. */
function farSetsKept(): string[] {
  const bench = new Holding()
  let told = 0
  const ends = { kept: () => undefined, expired: () => undefined, lost: () => undefined, retell: () => void (told += 1) }
  const waits = new Waits(bench.context, ends)
  waits.begin({ client: 1, set: SET, wait: 'network', deadlineMs: 60_000, shiftMs: 0 }, new Map([[1, []]]))
  const atMs = bench.until(20_000, () => {
    waits.tick()
    return told > 0
  })
  bench.see('what others should keep is told again', atMs, FAR_MS)
  return bench.lines
}

/** A page of a whole set is not asked for again while it may be on its way. */
function farSetsWhole(): string[] {
  const bench = new Holding()
  const pull = new WholePull(bench.context, voter('B'), SET, 0, { page: () => undefined, ended: () => undefined })
  pull.begin()
  bench.hasSaid()
  const atMs = bench.until(20_000, () => {
    pull.tick()
    return bench.hasSaid()
  })
  bench.see('a page of a whole set is asked for again', atMs, FAR_MS)
  return bench.lines
}

/**
 * A member is not asked to bar again while it may be answering, and a sweep lasts until it was
 * asked some times.
 */
function farSetsBarred(): string[] {
  const bench = new Holding()
  let isOver = false
  const ends = {
    members: () => NAMES.map(voter),
    decide: () => undefined,
    whenDurable: () => undefined,
    ended: () => void (isOver = true),
  }
  const holdings: Pick<Holdings, 'save'> = { save: () => undefined }
  const sweep = new Sweep(bench.context, holdings as Holdings, new SetRows(SET), 1, ends)
  sweep.begin()
  bench.hasSaid()
  const askedAtMs = bench.until(20_000, () => {
    sweep.tick()
    return bench.hasSaid()
  })
  bench.see('a member is asked to bar again', askedAtMs, FAR_MS)
  const overAtMs = bench.until(60_000, () => {
    sweep.tick()
    return isOver
  })
  bench.see('a sweep that a member does not answer is given up', overAtMs, SWEEP_ROUND_TRIPS * FAR_MS)
  return bench.lines
}
