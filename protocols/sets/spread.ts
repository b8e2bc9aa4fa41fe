/**
 * How operations become known: at once to the peers of the own cluster, and to one peer of every
 * other, which tells its own. All of it may be lost: comparison brings the rest. Nothing is told
 * before it is on this peer's disk.
 */
import type { ClusterId, IdentityId, PeerId } from '../base/identity.ts'
import { compareIdentities } from '../base/identity.ts'
import type { SetsContext } from './context.ts'
import { ROWS_BYTES, ROWS_PER_MESSAGE_MAX } from './messages.ts'
import type { PassOn, Receipt, SetsMessage, Told } from './messages.ts'
import { slotOfSet } from './slots.ts'

export type Changed = Extract<SetsMessage, { kind: 'changed' }>

/** Rows in portions that fit a message. */
export function portions(rows: readonly Told[]): (readonly Told[])[] {
  const all: Told[][] = []
  let portion: Told[] = []
  let bytes = 0
  for (const row of rows) {
    if (portion.length >= ROWS_PER_MESSAGE_MAX || bytes >= ROWS_BYTES) {
      all.push(portion)
      portion = []
      bytes = 0
    }
    portion.push(row)
    bytes += row.key.length
  }
  if (portion.length > 0) all.push(portion)
  return all
}

export class Spread {
  private readonly context: SetsContext

  constructor(context: SetsContext) {
    this.context = context
  }

  /** Tells everyone; in a large network through a voter, because voters are connected to all. */
  tellAll(set: string, rows: readonly Told[], receipt: Receipt | undefined): void {
    const deputy = this.deputy()
    this.tellCluster(set, rows, receipt, undefined)
    if (deputy === undefined) this.tellOtherClusters(set, rows, receipt, undefined)
    else this.tell(deputy, set, rows, 'network', receipt)
  }

  /**
   * Tells those whom the sender left to this peer. @param changed the rows of the message that are
   * news here
   */
  passOn(from: PeerId, message: Changed, changed: readonly Told[]): void {
    const { set, passOn, receipt } = message
    // Who waits for receipts waits for those of others too, who may not have heard what is no news
    // here.
    const rows = receipt === undefined ? changed : message.rows
    if (passOn === 'nobody' || rows.length === 0) return
    this.tellCluster(set, rows, receipt, from)
    if (passOn === 'network') this.tellOtherClusters(set, rows, receipt, this.context.roster.clusterOf(from))
  }

  /** Tells the voters that are not known to have it, each by itself where it is connected. */
  retell(set: string, rows: readonly Told[], receipt: Receipt, keepers: ReadonlySet<IdentityId>): void {
    const { chain, roster, self } = this.context
    const without = (chain.current?.quorum.voters ?? []).filter(({ id }) => id !== self.id && !keepers.has(id))
    const unreached = new Set<ClusterId>()
    for (const voter of without.toSorted(compareIdentities)) {
      if (roster.isConnected(voter.peerId)) this.tell(voter.peerId, set, rows, 'nobody', receipt)
      else for (const [cluster, voters] of chain.current?.quorum.votersByCluster ?? []) if (voters.includes(voter)) unreached.add(cluster)
    }
    for (const cluster of unreached) {
      const [representative] = roster.representatives(cluster)
      if (representative !== undefined) this.tell(representative, set, rows, 'cluster', receipt)
    }
  }

  private tellCluster(set: string, rows: readonly Told[], receipt: Receipt | undefined, except: PeerId | undefined): void {
    const { roster } = this.context
    for (const peerId of roster.connectedOf(roster.clusterId)) if (peerId !== except) this.tell(peerId, set, rows, 'nobody', receipt)
  }

  /** @param told a cluster that knows already */
  private tellOtherClusters(set: string, rows: readonly Told[], receipt: Receipt | undefined, told: ClusterId | undefined): void {
    const { roster } = this.context
    for (const cluster of roster.clusterIds()) {
      if (cluster === roster.clusterId || cluster === told) continue
      const [representative] = roster.representatives(cluster)
      if (representative !== undefined) this.tell(representative, set, rows, 'cluster', receipt)
    }
  }

  private tell(to: PeerId, set: string, rows: readonly Told[], passOn: PassOn, receipt: Receipt | undefined): void {
    this.context.send(to, { kind: 'changed', set, passOn, receipt, rows }, slotOfSet(set))
  }

  /**
   * The voter that tells all in place of this peer; undefined where this one reaches everybody
   * itself.
   */
  private deputy(): PeerId | undefined {
    const { roster, chain, self } = this.context
    if (chain.current === undefined || chain.isVoter(self.id) || roster.isFew) return undefined
    return roster.nearest(chain.current.quorum.voters.map((voter) => voter.peerId))
  }
}
