/**
 * Anti-entropy: when to pull, and from whom. With peers of the own cluster every few seconds, with one of each other
 * cluster more rarely, at once on meeting; and not at all where the roots that heartbeats carry are equal. While a config
 * is joint, its new voters pull from every old one and tell whose lists they hold.
 */
import type { Identity, IdentityId, PeerId } from '../base/identity.ts'
import { equalBytes } from '../base/record.ts'
import type { ConfigChain } from '../config/chain.ts'
import { members } from '../config/transfer.ts'
import type { Roster, RosterPeer } from '../membership/roster.ts'
import { Pull } from './pull.ts'
import type { PullContext, PullReply } from './pull.ts'

/** Between pulls from peers of the own cluster; what is under way now usually arrives by itself. */
const NEAR_MS = 3_000
/** Between pulls from peers of other clusters. */
const FAR_MS = 15_000
/** While a pull has had an answer within this time, no other is begun: what all others have would be copied from each. */
const ALONE_MS = 1_000
/**
 * A peer that holds so many keys fewer than this one has some time to fill itself before it is asked for what it has more. More than
 * are put between two of its heartbeats.
 */
const KEYS_BEHIND = 8_192
/** Pulls under way at one time. */
const PULLS_MAX = 2
/** Between tries to pull for a transfer. */
const TRANSFER_RETRY_MS = 500
/** Transfers under way at one time. */
const TRANSFERS_MAX = 8

export interface RepairContext extends PullContext {
  readonly self: Identity
  readonly chain: ConfigChain
  readonly roster: Roster
  readonly random: () => number
}

export class Repair {
  private readonly context: RepairContext
  private pulls: Pull[] = []
  private readonly nextAtMs = new Map<PeerId, number>()
  private covered = new Map<IdentityId, Identity>()
  private transferAtMs = 0
  private isComplete = false

  constructor(context: RepairContext) {
    this.context = context
  }

  /** Complete once since the start: everything that one voter had is here. */
  get caughtUp(): boolean {
    return this.isComplete
  }

  /** The old voters whose lists are held here; said to others only behind the sync of everything. */
  coveredSources(): readonly Identity[] {
    return [...this.covered.values()]
  }

  configInstalled(): void {
    this.covered = new Map()
    for (const pull of this.pulls) if (pull.minEpoch > 0) pull.stop()
    this.sweep()
  }

  /** A peer was met: look at once. */
  met(peerId: PeerId): void {
    this.nextAtMs.delete(peerId)
  }

  /** A peer was lost: nothing comes from it any more, and another is asked. */
  lost(peerId: PeerId): void {
    this.nextAtMs.delete(peerId)
    for (const pull of this.pulls) if (pull.source.peerId === peerId) pull.stop()
    this.sweep()
  }

  /** An answer counts only from the very store that was asked: a peer that was wiped meanwhile has nothing to tell. */
  reply(from: Identity, message: PullReply): void {
    this.pulls.some((pull) => pull.source.id === from.id && pull.reply(message))
    this.sweep()
  }

  tick(): void {
    for (const pull of this.pulls) pull.tick()
    this.sweep()
    this.noteIfComplete()
    this.startTransfers()
    this.startPulls()
  }

  private sweep(): void {
    for (const pull of this.pulls) {
      if (pull.isRunning) continue
      if (pull.isDone) this.done(pull)
    }
    if (this.pulls.some((pull) => !pull.isRunning)) this.pulls = this.pulls.filter((pull) => pull.isRunning)
  }

  private done(pull: Pull): void {
    if (pull.copied > 0) this.context.outbox.note({ kind: 'repaired', from: pull.source.peerId, keyCount: pull.copied })
    if (pull.minEpoch > 0 && pull.minEpoch === this.context.chain.epoch) this.covered.set(pull.source.id, pull.source)
    if (this.context.chain.isVoter(pull.source.id) && pull.source.id !== this.context.self.id) this.complete()
  }

  private complete(): void {
    if (this.isComplete) return
    this.isComplete = true
    this.context.outbox.note({ kind: 'caught-up', keyCount: this.context.chosen.tree.keyCount })
  }

  /** Nothing is missing for the only voter, nor for a peer whose root a voter has. */
  private noteIfComplete(): void {
    const { chain, roster, self } = this.context
    const voters = chain.current?.quorum.voters
    if (this.isComplete || voters === undefined) return
    const isAlone = voters.length === 1 && voters[0]?.id === self.id
    const isEqual = (voter: Identity): boolean => {
      const peer = roster.get(voter.peerId)
      return peer?.identity.id === voter.id && this.hasSameRoot(peer)
    }
    if (isAlone || voters.some(isEqual)) this.complete()
  }

  private hasSameRoot(peer: RosterPeer): boolean {
    const root = this.context.roster.freshHealth(peer)?.root
    return root !== undefined && equalBytes(root, this.context.chosen.tree.rootHash())
  }

  private startTransfers(): void {
    const { chain, self, roster, moment } = this.context
    const config = chain.current?.config
    if (config?.next === undefined || moment.nowMs < this.transferAtMs) return
    if (!members(config.next).some((voter) => voter.id === self.id)) return
    this.transferAtMs = moment.nowMs + TRANSFER_RETRY_MS
    for (const source of members(config.clusters)) {
      const isRunning = this.pulls.some((pull) => pull.minEpoch > 0 && pull.source.id === source.id)
      const peer = roster.get(source.peerId)
      const isReachable = source.id === self.id || (peer?.isConnected === true && peer.identity.id === source.id)
      if (isRunning || !isReachable || roster.isPutBack(source.id) || this.covered.has(source.id) || this.pulls.length >= TRANSFERS_MAX)
        continue
      this.start(source, config.epoch)
    }
  }

  private startPulls(): void {
    const { roster, moment, chain, random } = this.context
    if (chain.current === undefined) return
    for (const peer of roster.all()) {
      if (this.pulls.length >= PULLS_MAX || this.isGoingOn()) return
      // Of another cluster it is one peer that is looked at, the one that is watched: what was heard of the others is old.
      const health = roster.freshHealth(peer)
      if (health === undefined || health.epoch < 0) continue
      if (moment.nowMs < (this.nextAtMs.get(peer.peerId) ?? 0) || this.pulls.some((pull) => pull.source.peerId === peer.peerId)) continue
      const isBehind = this.context.chosen.tree.keyCount - health.keyCount > KEYS_BEHIND
      const isPutOff = isBehind && !this.nextAtMs.has(peer.peerId)
      const waitMs = peer.clusterId === roster.clusterId && !isBehind ? NEAR_MS : FAR_MS
      this.nextAtMs.set(peer.peerId, moment.nowMs + waitMs * (0.75 + random() / 2))
      if (!isPutOff && !this.hasSameRoot(peer)) this.start(peer.identity, 0)
    }
  }

  private isGoingOn(): boolean {
    const { nowMs } = this.context.moment
    return this.pulls.some((pull) => pull.minEpoch === 0 && nowMs - pull.answeredAtMs < ALONE_MS)
  }

  private start(source: Identity, minEpoch: number): void {
    const pull = new Pull(source, minEpoch, this.context)
    this.pulls.push(pull)
    pull.begin()
  }
}
