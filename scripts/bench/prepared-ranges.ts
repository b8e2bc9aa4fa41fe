/**
 * The prototype of docs/one-round-trip.md: a coordinator reserves a whole range of keys at one ballot, and then commits new keys of it
 * without asking first. It is put into the production core by the patches of `prepared.ts`, and is not part of any peer.
 */
import type { Ballot } from '../../protocols/base/ballot.ts'
import type { Moment } from '../../protocols/base/moment.ts'
import { dataKey, isConfigKey } from '../../protocols/base/register.ts'
import type { RegisterKey, Registers } from '../../protocols/base/register.ts'
import type { ConfigChain } from '../../protocols/config/chain.ts'
import { Tally } from '../../protocols/base/quorum.ts'
import type { Rounds } from '../../protocols/agreement/rounds.ts'
import type { Poll, PollListener, Polls } from '../../protocols/agreement/polls.ts'
import { leafOf } from '../../protocols/base/hash-tree.ts'
import type { AcceptorReply, Vote } from '../../protocols/wire/messages.ts'

/** How many ranges there are; each is a set of leaves of the hash tree. */
const ranges = (): number => Number(process.env['PREPARED_RANGES'] ?? 16)
/** `all`: whoever puts prepares, and overtakes who did before. A peer id: that one alone does. */
const preparedBy = (): string => process.env['PREPARED_BY'] ?? 'all'
const RANGE_PREFIX = '\u0001range/'
/** A reserve of a range that no quorum has answered is given up after this. */
const GIVEN_UP_AFTER_MS = 2_000

/** Keys that a voter holds something of: chosen or accepted. In earnest a hash for the chosen ones, and the few others by name. */
export interface RangePromise {
  readonly held: readonly RegisterKey[]
}

export function rangeOf(key: RegisterKey): number {
  return isRangeKey(key) ? Number(key.slice(RANGE_PREFIX.length)) : leafOf(key) % ranges()
}

export function isRangeKey(key: RegisterKey): boolean {
  return key.startsWith(RANGE_PREFIX)
}

/** What a voter's promise of a range says besides. */
export function promiseOf(rangeKey: RegisterKey, keys: Iterable<RegisterKey>): RangePromise {
  const range = rangeOf(rangeKey)
  return { held: [...keys].filter((key) => !isConfigKey(key) && !isRangeKey(key) && rangeOf(key) === range) }
}

interface Prepared {
  readonly ballot: Ballot
  readonly tally: Tally
  readonly poll: Poll
  isWon: boolean
  /** Keys that somebody in the quorum held something of: those are reserved one by one, as ever. */
  readonly held: Set<RegisterKey>
  /** Keys committed at this ballot: never again, for another record. */
  readonly used: Set<RegisterKey>
}

export interface PreparedContext {
  readonly self: string
  readonly moment: Moment
  readonly rounds: Rounds
  readonly chain: ConfigChain
  readonly polls: Polls
  readonly registers: Registers
}

export class PreparedRanges implements PollListener {
  private readonly context: PreparedContext
  private readonly ranges = new Map<number, Prepared>()

  constructor(context: PreparedContext) {
    this.context = context
  }

  /** The ballot to commit a new key at, when its range is prepared; else its range is being prepared from now on. */
  take(key: RegisterKey): Ballot | undefined {
    if (isConfigKey(key) || !['all', this.context.self].includes(preparedBy())) return undefined
    const range = rangeOf(key)
    const prepared = this.current(range)
    if (prepared === undefined) this.prepare(range)
    if (prepared === undefined || !prepared.isWon || prepared.held.has(key) || prepared.used.has(key)) return undefined
    prepared.used.add(key)
    return prepared.ballot
  }

  /** Somebody has overtaken the range, or a voter has forgotten it. */
  lost(ballot: Ballot): void {
    for (const [range, prepared] of this.ranges) if (prepared.ballot === ballot) this.drop(range, prepared)
  }

  voted({ body, sender }: Vote, poll: Poll): void {
    for (const [range, prepared] of this.ranges) {
      if (prepared.poll !== poll || prepared.isWon) continue
      if (body.kind === 'rejected') {
        this.context.rounds.observe(body.higher.round)
        return this.drop(range, prepared)
      }
      this.count(prepared, body, sender.id)
    }
  }

  tick(): void {
    for (const [range, prepared] of this.ranges) {
      const isLate = this.context.moment.nowMs - prepared.poll.openedAtMs > GIVEN_UP_AFTER_MS
      if (!prepared.isWon && isLate) this.drop(range, prepared)
    }
  }

  private count(prepared: Prepared, body: AcceptorReply, sender: Vote['sender']['id']): void {
    const { held } = body as AcceptorReply & Partial<RangePromise>
    // What the codec does not know of is lost on the way, and the promise with it.
    if (body.kind !== 'promised' || held === undefined) return
    for (const key of held) prepared.held.add(key)
    prepared.tally.yes(sender)
    if (prepared.tally.verdict() !== 'won') return
    prepared.isWon = true
    this.context.polls.close(prepared.poll)
  }

  private current(range: number): Prepared | undefined {
    const prepared = this.ranges.get(range)
    if (prepared === undefined || prepared.ballot.epoch === this.context.chain.epoch) return prepared
    this.drop(range, prepared)
    return undefined
  }

  private prepare(range: number): void {
    const { chain, rounds, polls } = this.context
    const installed = chain.current
    if (installed === undefined || installed.config.forming) return
    const ballot = rounds.next(installed.config.epoch)
    const body = { kind: 'reserve', key: dataKey(`${RANGE_PREFIX}${range}`), ballot } as const
    const poll = polls.ask(body, installed.quorum, this)
    const tally = new Tally(installed.quorum)
    this.ranges.set(range, { ballot, tally, poll, isWon: false, held: new Set(), used: new Set() })
  }

  private drop(range: number, prepared: Prepared): void {
    this.context.polls.close(prepared.poll)
    this.ranges.delete(range)
  }
}
