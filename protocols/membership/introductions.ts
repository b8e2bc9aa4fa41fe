/**
 * Who is told of whom, so that peers find one another without a search. Where there are few,
 * everybody is told of everybody. Where there are many, a peer keeps connections to its own
 * cluster, to the voters and to some others, and hears of no more than those: everybody told of
 * everybody by everybody would be more than all that such a network does besides.
 */
import type { PeerId } from '../base/identity.ts'
import type { Outbox } from '../outbox.ts'
import type { Quorum } from '../base/quorum.ts'
import { ROSTER_ENTRIES_MAX } from '../base/limits.ts'
import type { RosterEntry } from '../wire/membership-messages.ts'
import { CONNECTED_PEERS_MAX } from './roster.ts'
import type { Roster } from './roster.ts'
import type { RosterPeer } from './roster-peer.ts'

export class Introductions {
  private readonly outbox: Outbox
  private readonly roster: Roster
  private readonly quorum: () => Quorum | undefined
  /** Met since the last tick, or with a vote since then, and not told of yet. */
  private newcomers: RosterPeer[] = []
  /**
   * Where in the roster the next newcomer's strangers are taken from: else all of them would come
   * to the same few.
   */
  private place = 0

  /** @param quorum of the installed config */
  constructor(outbox: Outbox, roster: Roster, quorum: () => Quorum | undefined) {
    this.outbox = outbox
    this.roster = roster
    this.quorum = quorum
  }

  /** Tells a newcomer at once of those it needs. */
  welcome(newcomer: RosterPeer): void {
    this.tell(newcomer.peerId, this.acquaintancesFor(newcomer))
  }

  /**
   * Tells others of a newcomer: among few at once, else with the next tick, of all who came
   * meanwhile.
   *
   * @param before the same peer as it was known until now
   */
  announce(newcomer: RosterPeer, before: RosterPeer | undefined): void {
    if (newcomer.addresses.length === 0) return
    if (!this.roster.isFew) {
      if (isNews(newcomer, before)) this.newcomers.push(newcomer)
    } else for (const { peerId } of this.roster.connected()) if (peerId !== newcomer.peerId) this.tell(peerId, [newcomer])
  }

  /**
   * Others vote than before: whoever knew of them and needed no connection needs one now, and
   * voters alone know everybody.
   */
  configInstalled(before: Quorum | undefined, isVoter: boolean): void {
    const now = this.quorum()
    if (before === undefined || now === undefined || !isVoter || this.roster.isFew) return
    for (const voter of now.voters) {
      const peer = before.has(voter.id) ? undefined : this.roster.get(voter.peerId)
      if (peer !== undefined && peer.addresses.length > 0) this.newcomers.push(peer)
    }
  }

  tick(): void {
    if (this.newcomers.length === 0) return
    const { newcomers } = this
    this.newcomers = []
    const voters = this.voters()
    for (const other of this.roster.connected()) {
      const isVoter = voters.has(other.peerId)
      const needed = newcomers.filter((peer) => {
        return peer.peerId !== other.peerId && (isVoter || peer.clusterId === other.clusterId || voters.has(peer.peerId))
      })
      for (let from = 0; from < needed.length; from += ROSTER_ENTRIES_MAX) {
        this.tell(other.peerId, needed.slice(from, from + ROSTER_ENTRIES_MAX))
      }
    }
  }

  private voters(): ReadonlySet<PeerId> {
    return new Set(this.quorum()?.voters.map((voter) => voter.peerId))
  }

  /** Its cluster and the voters, and as many others as it takes to be worth while. */
  private acquaintancesFor(newcomer: RosterPeer): readonly RosterPeer[] {
    const known = [...this.roster.all()].filter((peer) => peer !== newcomer && peer.state !== 'gone' && peer.addresses.length > 0)
    if (known.length <= CONNECTED_PEERS_MAX) return known
    const voters = this.voters()
    const isNeeded = (peer: RosterPeer): boolean => peer.clusterId === newcomer.clusterId || voters.has(peer.peerId)
    const needed = known.filter(isNeeded).slice(0, ROSTER_ENTRIES_MAX)
    const strangers = known.filter((peer) => !isNeeded(peer))
    const room = Math.min(strangers.length, Math.max(0, CONNECTED_PEERS_MAX - needed.length))
    for (let taken = 0; taken < room; taken += 1) {
      this.place = (this.place + 1) % strangers.length
      needed.push(strangers[this.place] as RosterPeer)
    }
    return needed
  }

  private tell(to: PeerId, peers: readonly RosterPeer[]): void {
    if (peers.length === 0) return
    const entries: RosterEntry[] = peers.map(({ peerId, clusterId, addresses }) => ({ peerId, clusterId, addresses }))
    this.outbox.send(to, { kind: 'roster', entries }, 'nothing')
  }
}

/** A peer that was away for a moment, and is where it was, is known to all who are here. */
function isNews(peer: RosterPeer, before: RosterPeer | undefined): boolean {
  return before === undefined || before.state === 'gone' || peer.addresses.join(' ') !== before.addresses.join(' ')
}
