/** What goes wrong in a run, and what an operator does meanwhile: each at drawn times. */
import type { MemberChange } from '../../../protocols/log/membership.ts'
import { has } from '../../../protocols/log/membership.ts'
import type { LogWorld } from './world.ts'
import type { SimulatedReplica } from './replica.ts'

const DOWN_MAX_MS = 3_000

export class LogFaults {
  private readonly world: LogWorld
  private isStopped = false

  constructor(world: LogWorld) {
    this.world = world
  }

  begin(): void {
    const { options } = this.world
    this.every(options.crashEveryMs, () => this.crash())
    this.every(options.partitionEveryMs, () => this.partition())
    this.every(options.pauseEveryMs, () => this.pause())
    this.every(options.stallEveryMs, () => this.stall())
    this.every(options.changeEveryMs, () => this.change())
    this.every(options.transferEveryMs, () => this.transfer())
    this.every(options.wipeEveryMs, () => this.wipe())
    this.every(options.suspendEveryMs, () => this.suspend())
  }

  stop(): void {
    this.isStopped = true
  }

  private every(meanMs: number, run: () => void): void {
    if (meanMs === 0) return
    const { agenda, chance } = this.world
    agenda.after(chance.span(0, 2 * meanMs), () => {
      if (this.isStopped) return
      run()
      this.every(meanMs, run)
    })
  }

  /** One peer, the leader more often than others; at times all at once. */
  private crash(): void {
    const { chance, options, peers } = this.world
    const isPower = chance.happens(options.powerLossRate)
    const struck = chance.happens(0.1) ? peers : [this.anyone()]
    for (const peer of struck) if (peer.isUp) this.down(peer, isPower ? 'power' : 'process')
  }

  private down(peer: SimulatedReplica, how: 'process' | 'power' | 'wipe'): void {
    const { agenda, chance } = this.world
    this.world.crash(peer, how)
    agenda.after(chance.pick([chance.span(1, 50), chance.span(1, DOWN_MAX_MS)]), () => {
      if (!peer.isUp) peer.start()
    })
  }

  private partition(): void {
    const { agenda, chance, links, peers } = this.world
    const side = chance.shuffled(peers).slice(0, chance.between(1, Math.max(1, peers.length >> 1)))
    const isOneWay = chance.happens(0.3)
    for (const a of side) {
      for (const b of peers) {
        if (side.includes(b)) continue
        links.cutOff(a.peerId, b.peerId)
        if (!isOneWay) links.cutOff(b.peerId, a.peerId)
      }
    }
    agenda.after(chance.span(200, 4_000), () => links.mend())
  }

  private pause(): void {
    const { agenda, chance } = this.world
    const peer = this.anyone()
    peer.pause()
    agenda.after(chance.span(100, 4_000), () => peer.resume())
  }

  private suspend(): void {
    const { agenda, chance } = this.world
    const peer = this.anyone()
    peer.suspend()
    agenda.after(chance.span(200, 4_000), () => peer.resume())
  }

  private stall(): void {
    const { agenda, chance, peers } = this.world
    const struck = chance.happens(0.2) ? peers : [this.anyone()]
    for (const peer of struck) peer.isStoreDown = true
    if (chance.happens(0.3)) agenda.after(chance.span(500, 3_000), () => this.verdict())
    agenda.after(chance.span(200, 6_000), () => {
      for (const peer of struck) peer.isStoreDown = false
    })
  }

  /** Settles the entry that the leader's store refuses. */
  private verdict(): void {
    const leader = this.world.leader()
    const index = (leader?.core?.state.applied ?? -1) + 1
    if (leader === undefined || index === 0 || index > (leader.core?.state.commit ?? 0)) return
    const isForced = this.world.chance.happens(0.2)
    this.world.operate(leader, (client) => ({ kind: 'verdict', client, index, code: 'settled', isForced }), ignored)
  }

  private change(): void {
    const { chance, peers } = this.world
    const leader = this.world.leader()
    const members = leader?.core?.state.members
    if (leader === undefined || members === undefined) return
    const some = chance.shuffled(peers).slice(0, chance.between(1, 2))
    const changes = some.map(({ identity: peer }): MemberChange => {
      const kind = has(members.voters, peer.id)
        ? chance.pick(['remove', 'learner'] as const)
        : chance.pick(['voter', 'voter', 'learner'] as const)
      return { kind, peer }
    })
    // Whoever was wiped is somebody else now: the one before leaves with the next change.
    const gone = members.voters.filter(({ id }) => !peers.some(({ identity: peer }) => peer.id === id))
    changes.push(...gone.map((peer): MemberChange => ({ kind: 'remove', peer })))
    this.world.operate(leader, (client) => ({ kind: 'change', client, changes, wish: 'voters', isForced: false }), ignored)
  }

  private transfer(): void {
    const leader = this.world.leader()
    const to = this.world.chance.pick(this.world.peers).identity
    if (leader !== undefined) this.world.operate(leader, (client) => ({ kind: 'transfer', client, to }), ignored)
  }

  /**
   * Never so many that a majority's disks are gone, of any members that a log names, committed or
   * not: no log survives that.
   */
  private wipe(): void {
    const { peers, ledger } = this.world
    const named = peers.map(({ core }) => core?.state.members)
    const isAlone = (list: readonly { readonly id: string }[]): boolean => {
      const alive = list.filter(({ id }) => peers.some(({ identity }) => identity.id === id)).length
      return list.length > 0 && (alive - 1) * 2 <= list.length
    }
    const isAnyAlone = [...named, ledger.members].some((each) => each === undefined || isAlone(each.voters) || isAlone(each.outgoing))
    if (!isAnyAlone) this.down(this.anyone(), 'wipe')
  }

  private anyone(): SimulatedReplica {
    const { chance, peers } = this.world
    const leader = this.world.leader()
    return leader !== undefined && chance.happens(0.4) ? leader : chance.pick(peers)
  }
}

function ignored(): void {}
