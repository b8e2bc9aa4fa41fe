/** The faults of a run, each kind at its own rate, until the simulated network is healed. */
import type { IdentityId } from '../../protocols/base/identity.ts'
import { configKey } from '../../protocols/base/register.ts'
import type { Clusters, Config } from '../../protocols/base/config.ts'
import type { Agenda } from './agenda.ts'
import { Chance } from './chance.ts'
import { holdsData } from './checkers/quorums.ts'
import type { Ledger } from './checkers/ledger.ts'
import type { Coverage } from './coverage.ts'
import type { SimulatedNetwork } from './network.ts'
import type { Operator } from './operator.ts'
import type { Options } from './options.ts'
import type { SimulatedPeer } from './peer.ts'
import type { Trace } from './trace.ts'

/** A jump that lets the longest promise expire. */
const LONG_JUMP_MS = 61_000
const LONG_JUMP_RATE = 0.3
/** How long a disk stays full. */
const FULL_LEAST_MS = 10
const FULL_MOST_MS = 4_000
/** All stand still for so long: longer than any wait of a pull. */
const SLEEP_LEAST_MS = 10_000
const SLEEP_MOST_MS = 60_000
/**
 * How soon after a joint config is decided an old and a new voter lose each other, and for how long
 * at most.
 */
const JOINT_CUT_WITHIN_MS = 400
const JOINT_CUT_MOST_MS = 3_000
/** Above any seed and what is drawn of it elsewhere. */
const COPYING = 2 ** 43
/** Two operators ask at the same moment, now and then. */
const TWO_ASK_RATE = 0.3
/** The peer that was asked for a change dies in the middle of it, so often, and within so long. */
const PROPOSER_KILLED_RATE = 0.3
const PROPOSER_KILLED_WITHIN_MS = 600

export interface FaultsInit {
  readonly agenda: Agenda
  readonly chance: Chance
  readonly trace: Trace
  readonly options: Options
  readonly peers: readonly SimulatedPeer[]
  readonly network: SimulatedNetwork
  readonly operator: Operator
  readonly ledger: Ledger
  readonly coverage: Coverage
  /** Whether some key is accepted somewhere and not chosen. */
  readonly isAnyInDoubt: () => boolean
  readonly start: (peer: SimulatedPeer) => void
}

export class Faults {
  private readonly init: FaultsInit
  private isOver = false
  /**
   * Apart from all other chance, so that seeds without these faults mean what they meant before.
   */
  private readonly copying: Chance

  constructor(init: FaultsInit) {
    this.init = init
    this.copying = new Chance(init.options.seed + COPYING)
  }

  begin(): void {
    const { options } = this.init
    this.every(options.crashEveryMs, 'crash', () => this.crash(this.somePeer()))
    this.every(options.powerLossEveryMs, 'power loss', () => this.losePower())
    this.every(options.wipeEveryMs, 'wipe', () => this.wipe())
    this.every(options.pauseEveryMs, 'pause', () => this.pause())
    this.every(options.partitionEveryMs, 'partition', () => this.partition())
    this.every(options.flapEveryMs, 'flap', () => this.flap())
    this.every(options.clockJumpEveryMs, 'clock jump', () => this.jump())
    this.every(options.changeEveryMs, 'change', () => this.init.operator.change())
    this.every(options.withdrawEveryMs, 'withdrawal', () => this.init.operator.withdraw())
    this.every(options.askEveryMs, 'request', () => this.ask())
    this.every(options.loseClusterEveryMs, 'cluster lost', () => this.loseCluster())
    this.every(options.fullDiskEveryMs, 'disk full', () => this.fillDisk())
    this.every(options.sleepEveryMs, 'sleep', () => this.sleep(), this.copying)
  }

  /**
   * A config was decided. While it is joint, what is copied comes over links that fail just then.
   */
  decided({ clusters, next }: Config): void {
    const { options, agenda, peers } = this.init
    const { copying } = this
    if (this.isOver || next === undefined || !copying.happens(options.jointCutRate)) return
    const of = (voters: Clusters): SimulatedPeer[] => {
      const ids = new Set([...voters.values()].flat().map((voter) => voter.id))
      return peers.filter((peer) => ids.has(peer.identity.id))
    }
    const olds = of(clusters)
    const news = of(next)
    if (olds.length === 0 || news.length === 0) return
    const [a, b] = [copying.pick(olds), copying.pick(news)]
    agenda.after(copying.span(0, JOINT_CUT_WITHIN_MS), () => this.part(a, b))
  }

  /** Everything works again: who is down starts, what is cut is mended. */
  heal(): void {
    const { peers, network } = this.init
    this.isOver = true
    for (const a of peers) {
      if (a.isPaused) a.resume()
      a.isDiskFull = false
      for (const b of peers) if (a.index < b.index) network.mend(a, b)
    }
    for (const peer of peers) if (!peer.isUp) this.init.start(peer)
  }

  /** Two peers lose each other for a moment: their connection, or whatever is sent on it. */
  private part(a: SimulatedPeer, b: SimulatedPeer): void {
    const { network, agenda, trace, coverage } = this.init
    if (this.isOver || a === b) return
    trace.line(agenda.nowMs, () => `-- ${a.peerId} and ${b.peerId} lose each other`)
    coverage.jointCuts += 1
    if (this.copying.happens(0.5)) return network.close(a, b, 'lost')
    network.cut(a, b)
    network.cut(b, a)
    agenda.after(this.copying.span(50, JOINT_CUT_MOST_MS), () => network.mend(a, b))
  }

  /**
   * A machine sleeps with all its peers: to them no time passes, until each finds that it is later
   * than it thought.
   */
  private sleep(): void {
    this.init.coverage.sleeps += 1
    const sleepMs = this.copying.span(SLEEP_LEAST_MS, SLEEP_MOST_MS)
    for (const peer of this.init.peers) peer.jump(sleepMs)
  }

  private every(meanMs: number, name: string, strike: () => void, chance: Chance = this.init.chance): void {
    const { agenda, trace, coverage } = this.init
    if (meanMs === Number.POSITIVE_INFINITY) return
    agenda.after(-Math.log(1 - chance.number()) * meanMs, () => {
      if (this.isOver) return
      coverage.faults += 1
      if (this.init.isAnyInDoubt()) coverage.faultsInDoubt += 1
      trace.line(agenda.nowMs, () => `-- ${name}`)
      strike()
      this.every(meanMs, name, strike, chance)
    })
  }

  private crash(peer: SimulatedPeer): void {
    if (!peer.isStarted) return
    const { agenda, chance, options, network, trace } = this.init
    trace.line(agenda.nowMs, () => `${peer.peerId} crashes`)
    peer.crash()
    network.stopped(peer)
    agenda.after(chance.span(0, 2 * options.downMs), () => {
      if (!peer.isUp) this.init.start(peer)
    })
  }

  private losePower(): void {
    this.init.coverage.powerLosses += 1
    for (const peer of this.init.peers) this.crash(peer)
  }

  private wipe(): void {
    const { coverage, agenda, trace, network } = this.init
    const peer = this.somePeer()
    if (!this.maySpare(peer)) return
    trace.line(agenda.nowMs, () => `${peer.peerId} loses its disk`)
    coverage.wipes += 1
    const wasUp = peer.isUp
    this.crash(peer)
    peer.wipe()
    if (!wasUp) network.stopped(peer)
  }

  /**
   * A disk is lost only as long as those that are left hold a quorum: more is more than any
   * protocol survives. Of the newest config, and of every one before it back to the last that a
   * quorum of its own has on disk: until then the voters of the one before are needed.
   */
  private maySpare(peer: SimulatedPeer): boolean {
    const { peers, ledger } = this.init
    const living = new Map(peers.filter((other) => other !== peer).map((other) => [other.identity.id, other]))
    for (let { epoch } = ledger.newest; ; epoch -= 1) {
      const config = ledger.config(epoch)
      if (config === undefined) return true
      if (!holdsData(config, (id) => living.has(id))) return false
      const isInstalled = (id: IdentityId): boolean => living.get(id)?.disk.readSynced(configKey(epoch))?.chosen !== undefined
      if (holdsData(config, isInstalled)) return true
    }
  }

  private ask(): void {
    const { chance, operator, agenda, coverage } = this.init
    for (const peer of operator.ask(chance.happens(TWO_ASK_RATE) ? 2 : 1)) {
      if (!chance.happens(PROPOSER_KILLED_RATE)) continue
      // Most steps are taken soon after one another.
      agenda.after(chance.number() ** 2 * PROPOSER_KILLED_WITHIN_MS, () => {
        if (this.isOver || !peer.isUp) return
        coverage.proposersKilled += 1
        this.crash(peer)
      })
    }
  }

  /** All peers of a cluster die, and somebody has it removed. */
  private loseCluster(): void {
    const { peers, operator, ledger, chance } = this.init
    const lost = chance.pick([...ledger.newest.clusters.keys()])
    for (const peer of peers) if (peer.clusterId === lost) this.crash(peer)
    operator.askToRemove(lost)
  }

  /**
   * A disk takes nothing more, and its peer stops at the next write; after a while there is room
   * again.
   */
  private fillDisk(): void {
    const { agenda, chance, coverage, trace } = this.init
    const peer = this.somePeer()
    trace.line(agenda.nowMs, () => `the disk of ${peer.peerId} is full`)
    coverage.fullDisks += 1
    peer.isDiskFull = true
    agenda.after(chance.span(FULL_LEAST_MS, FULL_MOST_MS), () => {
      peer.isDiskFull = false
      if (!peer.isUp) this.init.start(peer)
    })
  }

  private pause(): void {
    const { agenda, chance } = this.init
    this.somePeer().pausedUntilMs = agenda.nowMs + chance.span(10, 3_000)
  }

  private partition(): void {
    const { agenda, chance, network, peers } = this.init
    const inside = new Set(this.drawSide())
    const isOneWay = chance.happens(0.4)
    for (const a of inside) {
      for (const b of peers) {
        if (inside.has(b)) continue
        network.cut(a, b)
        if (!isOneWay) network.cut(b, a)
      }
    }
    agenda.after(chance.span(50, 5_000), () => {
      for (const a of inside) for (const b of peers) if (a !== b) network.mend(a, b)
    })
  }

  private drawSide(): SimulatedPeer[] {
    const { chance, peers } = this.init
    const peer = this.somePeer()
    const kind = chance.below(3)
    if (kind === 0) return [peer]
    if (kind === 1) return peers.filter((other) => other.clusterId === peer.clusterId)
    return peers.filter(() => chance.happens(0.5))
  }

  private flap(): void {
    const { network } = this.init
    const a = this.somePeer()
    const b = this.somePeer()
    if (a !== b) network.close(a, b, 'flapping')
  }

  private jump(): void {
    const { chance } = this.init
    this.somePeer().jump(chance.happens(LONG_JUMP_RATE) ? LONG_JUMP_MS : chance.span(1, 5_000))
  }

  private somePeer(): SimulatedPeer {
    return this.init.chance.pick(this.init.peers)
  }
}
