/**
 * Writes handed to the owner of the ballot that keeps refusing this peer, so that the writers of a
 * busy register do not outbid one another. A forward names that ballot: the owner commits the write
 * at it or drops it, and so whoever goes on alone, at a higher ballot, finds what became of it as of
 * a commit of its own. For whoever forwards it is a commit that was sent. An answer that comes
 * after it went on alone counts for nothing.
 */
import { compareBallots } from '../base/ballot.ts'
import type { Ballot } from '../base/ballot.ts'
import type { Identity, IdentityId } from '../base/identity.ts'
import type { Moment, NextId } from '../base/moment.ts'
import type { RegisterKey } from '../base/register.ts'
import type { ForwardedWrite } from './judge.ts'
import type { Judged } from './plan.ts'

/** Tries that one peer's ballots must have refused. */
const REFUSED_MIN = 2
/** How long its ballot is believed in after the last refusal, or the last answer to a forward. */
const BELIEVED_MS = 5_000
/** Registers whose owner is remembered. */
const OWNERS_MAX = 4_096
/** Versions in a condition of a write that is forwarded; with more it is not. */
export const FORWARDED_VERSIONS_MAX = 256

/** What the owner of a ballot says of a write. */
export type Forwarded = Judged | { readonly kind: 'dropped' }

export interface ForwardsContext {
  readonly self: IdentityId
  readonly moment: Moment
  readonly nextId: NextId
  readonly isConnectedAs: (identity: Identity) => boolean
  readonly send: (to: Identity, id: number, key: RegisterKey, ballot: Ballot, write: ForwardedWrite) => void
}

interface Owner {
  readonly ballot: Ballot
  /** It has refused the last try of this peer: what it decides comes after all tries from here. */
  readonly isAbove: boolean
  /** Tries that were refused. */
  readonly refused: number
  readonly untilMs: number
}

interface Waiting {
  readonly owner: IdentityId
  readonly told: (result: Forwarded) => void
}

export class Forwards {
  private readonly context: ForwardsContext
  /** The one that was refused first comes first. */
  private readonly owners = new Map<RegisterKey, Owner>()
  private readonly waiting = new Map<number, Waiting>()

  constructor(context: ForwardsContext) {
    this.context = context
  }

  /** @param isNewTry false for a further refusal of a try that somebody has refused */
  onRejected(key: RegisterKey, higher: Ballot, isNewTry: boolean): void {
    const { self, moment, isConnectedAs } = this.context
    if (higher.by.id === self || !isConnectedAs(higher.by)) return
    const before = this.owners.get(key)
    const isSame = before !== undefined && before.ballot.by.id === higher.by.id && before.untilMs > moment.nowMs
    const ballot = isSame && compareBallots(before.ballot, higher) > 0 ? before.ballot : higher
    const refused = (isSame ? before.refused : 0) + Number(isNewTry || !isSame)
    this.owners.delete(key)
    this.owners.set(key, { ballot, isAbove: true, refused, untilMs: moment.nowMs + BELIEVED_MS })
    const [oldest] = this.owners.keys()
    if (this.owners.size > OWNERS_MAX && oldest !== undefined) this.owners.delete(oldest)
  }

  /** The ballot to forward writes to; undefined where this peer goes on alone. */
  ballotOf(key: RegisterKey): Ballot | undefined {
    const owner = this.owners.get(key)
    if (owner?.isAbove !== true || owner.refused < REFUSED_MIN || owner.untilMs <= this.context.moment.nowMs) return undefined
    return this.context.isConnectedAs(owner.ballot.by) ? owner.ballot : undefined
  }

  /** This peer takes a ballot of its own, perhaps above the owner's. */
  onReserve(key: RegisterKey): void {
    const owner = this.owners.get(key)
    if (owner !== undefined) this.owners.set(key, { ...owner, isAbove: false })
  }

  /** The owner does not answer, or has another ballot by now. */
  forget(key: RegisterKey): void {
    this.owners.delete(key)
  }

  forgetAll(): void {
    this.owners.clear()
  }

  /** @returns what the answer is known by, until `drop` */
  forward(key: RegisterKey, ballot: Ballot, write: ForwardedWrite, told: (result: Forwarded) => void): number {
    const id = this.context.nextId()
    this.waiting.set(id, { owner: ballot.by.id, told })
    this.context.send(ballot.by, id, key, ballot, write)
    return id
  }

  /** Nobody waits for this answer any more. */
  drop(id: number): void {
    this.waiting.delete(id)
  }

  onAnswer(from: Identity, id: number, key: RegisterKey, result: Forwarded): void {
    const waiting = this.waiting.get(id)
    if (waiting?.owner !== from.id) return
    this.waiting.delete(id)
    const owner = this.owners.get(key)
    if (owner?.ballot.by.id === from.id) this.owners.set(key, { ...owner, untilMs: this.context.moment.nowMs + BELIEVED_MS })
    waiting.told(result)
  }
}
