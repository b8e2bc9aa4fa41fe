/**
 * Pulling a whole set from one other peer, page by page. All pages must be of one cut of the very
 * store that was asked: otherwise the pull is void. A page may come twice, and its question be
 * asked again: taking it again changes nothing.
 */
import type { Identity } from '../base/identity.ts'
import { toFarthestMs } from './context.ts'
import type { SetsContext } from './context.ts'
import { FIRST_PLACE } from './messages.ts'
import type { Place, SetsMessage, Told } from './messages.ts'
import type { Cut } from './requests.ts'
import { LEAVES } from '../base/hash-tree.ts'

/** An unanswered question is asked again after this, or after so many round trips. */
const RETRY_MS = 1_000
const RETRY_ROUND_TRIPS = 2
/** After so many repetitions of one question the pull is given up. */
const RETRIES_MAX = 6

export type WholeMessage = Extract<SetsMessage, { kind: 'whole' }>

export interface WholePullEnds {
  /** @param after where the page begins */
  readonly page: (rows: readonly Told[], after: Place, to: Place) => void
  /** @param cut of all pages; undefined when the pull is void */
  readonly ended: (cut: Cut | undefined) => void
}

export class WholePull {
  readonly source: Identity
  readonly set: string
  private readonly context: SetsContext
  private readonly ends: WholePullEnds
  /** The cut that its pages must be of. */
  private readonly number: number
  private id = 0
  private after: Place = FIRST_PLACE
  private askedAtMs = 0
  private retries = 0
  private isOver = false

  constructor(context: SetsContext, source: Identity, set: string, number: number, ends: WholePullEnds) {
    this.context = context
    this.source = source
    this.set = set
    this.number = number
    this.ends = ends
  }

  begin(): void {
    this.id = this.context.nextId()
    this.ask()
  }

  /** @returns false when it is not the answer to this pull's question */
  onWhole(from: Identity, { id, cut, to, rows }: WholeMessage): boolean {
    if (this.isOver || id !== this.id || from.id !== this.source.id) return false
    if (cut.number !== this.number || !isBehind(to, this.after)) this.end(undefined)
    else {
      const { after } = this
      this.after = to
      this.retries = 0
      this.ends.page(rows, after, to)
      if (to.leaf >= LEAVES) this.end(cut)
      else this.begin()
    }
    return true
  }

  tick(): void {
    const { moment, roster } = this.context
    const waitMs = Math.max(RETRY_MS, RETRY_ROUND_TRIPS * toFarthestMs(this.context, [this.source]))
    if (this.isOver || moment.nowMs - this.askedAtMs < waitMs) return
    this.retries += 1
    if (this.retries > RETRIES_MAX || !roster.isConnectedAs(this.source)) this.end(undefined)
    else this.ask()
  }

  stop(): void {
    this.isOver = true
  }

  private ask(): void {
    const { context, id, set, after } = this
    this.askedAtMs = context.moment.nowMs
    context.send(this.source.peerId, { kind: 'whole-wanted', id, set, after }, 'nothing')
  }

  private end(cut: Cut | undefined): void {
    this.isOver = true
    this.ends.ended(cut)
  }
}

function isBehind(place: Place, other: Place): boolean {
  return place.leaf > other.leaf || (place.leaf === other.leaf && place.key > other.key)
}
