/**
 * Anti-entropy of one collection: when to pull, and from whom. With peers of the own cluster every
 * few seconds, with one of each other cluster more rarely, at once on meeting; and not at all where
 * the roots that heartbeats carry are equal. While a config is joint, its new voters pull from
 * every old one.
 */
import type { Identity, IdentityId, PeerId } from '../base/identity.ts'
import { equalBytes } from '../base/record.ts'
import type { ConfigChain } from '../config/chain.ts'
import { members } from '../config/transfer.ts'
import type { Roster } from '../membership/roster.ts'
import type { RosterPeer } from '../membership/roster-peer.ts'
import type { PullAnswer, PullQuestion } from '../wire/pull-messages.ts'
import { PullAnswers } from './answers.ts'
import type { PageLimits } from './answers.ts'
import { Pull } from './pull.ts'
import type { PullContext } from './pull.ts'

/** Between looks at a peer of the own cluster. */
const NEAR_MS = 3_000
/** Between looks at a peer of another cluster. */
const FAR_MS = 15_000
/**
 * What a peer holds and this one does not is under way, as a rule: a pull is begun only where it
 * has not come after so long.
 */
const UNDER_WAY_MS = 1_000
/**
 * Between pulls from peers of one cluster that were met before: what is missing is held by most,
 * and those who are many are asked in turn.
 */
const APART_MS = 1_000
/** The same for all other clusters together. */
const FAR_APART_MS = 2_000
/**
 * Each pull that brought nothing doubles the time to the next look at its source, so many times at
 * most.
 */
const DOUBLINGS_MAX = 2
/**
 * While a pull has had an answer within this time, no other is begun: what all others have would be
 * copied from each.
 */
const ALONE_MS = 1_000
/** Both are no shorter than so many round trips to the peer. */
const AWAITED_ROUND_TRIPS = 1.5
/**
 * A peer that holds so many keys fewer than this one has some time to fill itself before it is
 * asked for what it has more. More than are put between two of its heartbeats.
 */
const KEYS_BEHIND = 8_192
/** Pulls under way at one time. */
const PULLS_MAX = 2
/** Between tries to pull for a transfer. */
const TRANSFER_RETRY_MS = 500
/** Transfers under way at one time. */
const TRANSFERS_MAX = 8

/** What another peer told of the collection lately. */
export interface Told {
  /** 16 bytes. */
  readonly root: Uint8Array
  readonly rowCount: number
}

export interface CopyingContext<Key extends string, Row> extends PullContext<Key, Row> {
  readonly self: Identity
  readonly pageLimits: PageLimits | undefined
  readonly chain: ConfigChain
  readonly roster: Roster
  readonly random: () => number
  /** Undefined for a peer that told nothing of it lately, or has no such rows. */
  readonly toldBy: (peer: RosterPeer) => Told | undefined
  /** What a peer told of it in answer to a question of this run. */
  readonly answeredBy: (peer: RosterPeer) => Told | undefined
  /** Complete for the first time. */
  readonly onCaughtUp: () => void
  /** Rows came from a peer. */
  readonly onCopied: (from: PeerId, rowCount: number) => void
}

/** When a peer is looked at next, and what came of it before. */
interface Look {
  nextAtMs: number
  /**
   * A root that it told and that was never the root here, while what leads to it may be under way.
   */
  awaited: Uint8Array | undefined
  /** Pulls in a row that brought nothing. */
  fruitless: number
}

export class Copying<Key extends string, Row> {
  private readonly context: CopyingContext<Key, Row>
  private readonly answers: PullAnswers<Key, Row>
  private pulls: Pull<Key, Row>[] = []
  private readonly looks = new Map<PeerId, Look>()
  /** No pull from a peer that was met before begins sooner: of the own cluster, of any other. */
  private nearAtMs = Number.NEGATIVE_INFINITY
  private farAtMs = Number.NEGATIVE_INFINITY
  private covered = new Map<IdentityId, Identity>()
  private transferAtMs = 0
  private isComplete = false

  constructor(context: CopyingContext<Key, Row>) {
    const { chain, collection, speech, pageLimits } = context
    this.context = context
    this.answers = new PullAnswers(chain, collection, speech, pageLimits)
  }

  /** Complete once since the start: everything that one voter had is here. */
  get caughtUp(): boolean {
    return this.isComplete
  }

  /** Nothing is being pulled, nor to be: whoever was heard lately has what is here, and no more. */
  get isAtRest(): boolean {
    const { roster, toldBy } = this.context
    const isEqual = (peer: RosterPeer): boolean => toldBy(peer) === undefined || this.hasSameRoot(peer)
    return this.isComplete && this.pulls.length === 0 && roster.connected().every(isEqual)
  }

  /** True when the root is that of what is held here: there is nothing to pull. */
  isOwnRoot(root: Uint8Array): boolean {
    return equalBytes(root, this.context.collection.tree.rootHash())
  }

  /**
   * The old voters whose lists are held here; said to others only behind the sync of everything.
   */
  coveredSources(): readonly Identity[] {
    return [...this.covered.values()]
  }

  covers(source: IdentityId): boolean {
    return this.covered.has(source)
  }

  /**
   * Pulls from a peer at once. @param ended told once how it ended; with false at once for a peer
   * that is not connected
   */
  pull(source: Identity, ended: (isDone: boolean) => void): void {
    const peer = this.context.roster.get(source.peerId)
    if (peer?.isConnected !== true || peer.identity.id !== source.id) return ended(false)
    this.start(source, 0, ended)
  }

  answer(from: PeerId, question: PullQuestion<Key>): void {
    this.answers.answer(from, question)
  }

  configInstalled(): void {
    this.covered = new Map()
    for (const pull of this.pulls) if (pull.minEpoch > 0) pull.stop()
    this.sweep()
  }

  /** A peer was met: look at once. */
  met(peerId: PeerId): void {
    this.looks.delete(peerId)
  }

  /** A peer was lost: nothing comes from it any more, and another is asked. */
  lost(peerId: PeerId): void {
    this.looks.delete(peerId)
    for (const pull of this.pulls) if (pull.source.peerId === peerId) pull.stop()
    this.sweep()
  }

  /**
   * An answer counts only from the very store that was asked: a peer that was wiped meanwhile has
   * nothing to tell.
   */
  reply(from: Identity, answer: PullAnswer<Key, Row>, mark?: Uint8Array): void {
    this.pulls.some((pull) => pull.source.id === from.id && pull.reply(answer, mark))
    this.sweep()
  }

  /** @param isCarriedOver new voters of a joint config pull from its old ones */
  upkeep(isCarriedOver: boolean): void {
    for (const pull of this.pulls) pull.tick()
    this.sweep()
    this.noteIfComplete()
    if (isCarriedOver) this.startTransfers()
    this.startPulls()
  }

  private sweep(): void {
    const over = this.pulls.filter((pull) => !pull.isRunning)
    if (over.length === 0) return
    this.pulls = this.pulls.filter((pull) => pull.isRunning)
    for (const pull of over) {
      if (pull.isDone) this.done(pull)
      pull.close()
    }
  }

  private done(pull: Pull<Key, Row>): void {
    const look = this.looks.get(pull.source.peerId)
    if (look !== undefined) look.fruitless = pull.copied > 0 ? 0 : Math.min(DOUBLINGS_MAX, look.fruitless + 1)
    if (pull.copied > 0) this.context.onCopied(pull.source.peerId, pull.copied)
    if (pull.minEpoch > 0 && pull.minEpoch === this.context.chain.epoch) this.covered.set(pull.source.id, pull.source)
    if (this.context.chain.isVoter(pull.source.id) && pull.source.id !== this.context.self.id) this.complete()
  }

  private complete(): void {
    if (this.isComplete) return
    this.isComplete = true
    this.context.onCaughtUp()
  }

  /**
   * Nothing is missing for the only voter, nor for a peer that has the root that a voter told since
   * this one started: what it told before may be less than it had then.
   */
  private noteIfComplete(): void {
    const { chain, roster, self, answeredBy } = this.context
    const voters = chain.current?.quorum.voters
    if (this.isComplete || voters === undefined) return
    const isAlone = voters.length === 1 && voters[0]?.id === self.id
    const isEqual = (voter: Identity): boolean => {
      const peer = roster.get(voter.peerId)
      const root = peer?.identity.id === voter.id ? answeredBy(peer)?.root : undefined
      return root !== undefined && this.isOwnRoot(root)
    }
    if (isAlone || voters.some(isEqual)) this.complete()
  }

  private hasSameRoot(peer: RosterPeer): boolean {
    const root = this.context.toldBy(peer)?.root
    return root !== undefined && this.isOwnRoot(root)
  }

  private startTransfers(): void {
    const { chain, self, roster, moment } = this.context
    const config = chain.current?.config
    if (config?.next === undefined || moment.nowMs < this.transferAtMs) return
    if (!members(config.next).some((voter) => voter.id === self.id)) return
    this.transferAtMs = moment.nowMs + TRANSFER_RETRY_MS
    for (const source of members(config.clusters)) {
      const isRunning = this.pulls.some((pull) => pull.minEpoch > 0 && pull.source.id === source.id)
      const isReachable = source.id === self.id || roster.isConnectedAs(source)
      if (isRunning || !isReachable || roster.isPutBack(source.id) || this.covered.has(source.id) || this.pulls.length >= TRANSFERS_MAX)
        continue
      this.start(source, config.epoch)
    }
  }

  private startPulls(): void {
    if (this.context.chain.current === undefined) return
    for (const peer of this.due()) {
      if (this.pulls.length >= PULLS_MAX || this.isGoingOn()) return
      this.compare(peer)
    }
  }

  /**
   * Those to be looked at, the longest overdue first, those just met before all others. Of another
   * cluster it is one peer that is looked at, the one that is watched: what was heard of the others
   * is old.
   */
  private due(): RosterPeer[] {
    const { roster, moment, toldBy } = this.context
    const dueAtMs = ({ peerId }: RosterPeer): number => this.looks.get(peerId)?.nextAtMs ?? 0
    const due: RosterPeer[] = []
    for (const peer of roster.all()) {
      if (toldBy(peer) === undefined || dueAtMs(peer) > moment.nowMs) continue
      if (!this.pulls.some((pull) => pull.source.peerId === peer.peerId)) due.push(peer)
    }
    return due.sort((a, b) => dueAtMs(a) - dueAtMs(b))
  }

  /**
   * Begins a pull where the roots of two peers have differed for a while; and where they are equal
   * and nobody has said so in answer to this run, because a pull is the proof of it.
   */
  private compare(peer: RosterPeer): void {
    const { roster, moment, collection, random } = this.context
    const { nowMs } = moment
    const told = this.context.toldBy(peer)
    if (told === undefined || (peer.health?.epoch ?? -1) < 0) return
    const isNear = peer.clusterId === roster.clusterId
    const isBehind = collection.tree.keyCount - told.rowCount > KEYS_BEHIND
    const wait = (doublings: number): number => nowMs + (isNear && !isBehind ? NEAR_MS : FAR_MS) * (0.75 + random() / 2) * 2 ** doublings
    const look = this.looks.get(peer.peerId)
    if (look === undefined) {
      this.looks.set(peer.peerId, { nextAtMs: wait(0), awaited: undefined, fruitless: 0 })
      if (!isBehind && !collection.tree.hadRoot(told.root)) this.start(peer.identity, 0)
    } else if (this.isComplete && collection.tree.hadRoot(look.awaited ?? told.root)) {
      Object.assign(look, { nextAtMs: wait(0), awaited: undefined, fruitless: 0 })
    } else if (look.awaited === undefined) {
      look.awaited = told.root
      look.nextAtMs = nowMs + this.awaitMs(UNDER_WAY_MS, peer.peerId)
    } else if (nowMs >= (isNear ? this.nearAtMs : this.farAtMs)) {
      if (isNear) this.nearAtMs = nowMs + APART_MS
      else this.farAtMs = nowMs + FAR_APART_MS
      look.awaited = undefined
      look.nextAtMs = wait(look.fruitless)
      this.start(peer.identity, 0)
    }
  }

  private isGoingOn(): boolean {
    const { nowMs } = this.context.moment
    return this.pulls.some(
      ({ minEpoch, answeredAtMs, source }) => minEpoch === 0 && nowMs - answeredAtMs < this.awaitMs(ALONE_MS, source.peerId),
    )
  }

  private awaitMs(leastMs: number, peerId: PeerId): number {
    return Math.max(leastMs, AWAITED_ROUND_TRIPS * (this.context.roundTripMs(peerId) ?? 0))
  }

  private start(source: Identity, minEpoch: number, ended?: (isDone: boolean) => void): void {
    const pull = new Pull(source, minEpoch, this.context, ended)
    this.pulls.push(pull)
    pull.begin()
  }
}
