/**
 * How the sets of this peer stand: whether it takes operations, whether others hold the same, and
 * what an operator should know.
 */
import { equalBytes } from '../base/record.ts'
import type { Clocks } from './clocks.ts'
import type { SetsContext } from './context.ts'
import type { Holdings } from './holdings.ts'
import { SETS_CODE } from './messages.ts'
import type { Equality, SetAnswer } from './requests.ts'
import type { Waits } from './waits.ts'

/** As JSON has it. */
const EQUAL: Readonly<Record<Equality, boolean | null>> = { equal: true, different: false, unknown: null }

export class Condition {
  /** Members that went with later cuts since the start. */
  droppedCount = 0
  private readonly context: SetsContext
  private readonly holdings: Holdings
  private readonly clocks: Clocks
  private readonly waits: Waits

  constructor(context: SetsContext, holdings: Holdings, clocks: Clocks, waits: Waits) {
    this.context = context
    this.holdings = holdings
    this.clocks = clocks
    this.waits = waits
  }

  /** Whether those who were heard lately hold the same. */
  equality(): Equality {
    const { roster } = this.context
    const told = roster.connected().flatMap((peer) => roster.freshHealth(peer)?.types ?? [])
    const roots = told.filter(({ type }) => type === SETS_CODE).map(({ root }) => root)
    if (roots.length === 0) return 'unknown'
    const own = this.holdings.tree.rootHash()
    return roots.every((root) => equalBytes(root, own)) ? 'equal' : 'different'
  }

  /** Why stamps are neither given nor taken now; undefined when they are. */
  refusal(): SetAnswer | undefined {
    if (!this.holdings.isWhole) return { kind: 'not-ready', detail: 'this peer has not yet been given what others hold' }
    const offByMs = this.clocks.offByMs(this.context.wallMs(), this.context.moment.nowMs)
    return offByMs === undefined ? undefined : { kind: 'clock-off', offByMs }
  }

  /** What operators are shown of this type. */
  status(): Readonly<Record<string, unknown>> {
    const { moment, wallMs } = this.context
    return {
      sets: this.holdings.count,
      equal: EQUAL[this.equality()],
      ready: this.holdings.isWhole,
      clockOffMs: this.clocks.offByMs(wallMs(), moment.nowMs) ?? null,
      waiting: this.waits.size,
    }
  }

  warnings(): readonly string[] {
    const { moment, wallMs } = this.context
    const offByMs = this.clocks.offByMs(wallMs(), moment.nowMs)
    const off = offByMs === undefined ? [] : [`this peer's clock is ${aheadText(offByMs)} most others: it takes no operations on sets`]
    const neighbours = this.clocks.warnings(wallMs(), moment.nowMs)
    const differing = neighbours.map((each) => `the clock of ${each.peerId} is ${aheadText(each.offByMs)} this peer's`)
    const dropped =
      this.droppedCount === 0 ? [] : [`${this.droppedCount} members of sets went with a later cut: see the files *-dropped-*.json`]
    return [...off, ...differing, ...dropped]
  }
}

function aheadText(offByMs: number): string {
  const seconds = (Math.abs(offByMs) / 1_000).toFixed(1)
  return `${seconds} s ${offByMs > 0 ? 'ahead of' : 'behind'}`
}
