/**
 * Short schedules of registers, drawn step by step: which message arrives next, which is lost or
 * doubled, what reaches a disk, who loses power, what clients ask, when time passes. At the end all
 * is played without faults, and everything must settle.
 */
import type { Config } from '../../../../protocols/base/config.ts'
import { identity } from '../../../../protocols/base/identity.ts'
import type { ClusterId, Identity, IdentityId, Incarnation, NetworkId, PeerId } from '../../../../protocols/base/identity.ts'
import { dataQuorum } from '../../../../protocols/base/quorum.ts'
import { dataKey } from '../../../../protocols/base/register.ts'
import type { RegisterKey } from '../../../../protocols/base/register.ts'
import type { ClientId } from '../../../../protocols/events.ts'
import { Marks } from '../../../../protocols/registers/marks.ts'
import { equalRegisterRecords, isStub } from '../../../../protocols/registers/record.ts'
import type { Condition, Contents, ReadRequest, RegisterAnswer, WriteRequest } from '../../../../protocols/registers/requests.ts'
import { sha256, utf8 } from '../../../../src/bytes.ts'
import { Chance } from '../../chance.ts'
import { Violation, check } from '../../checkers/violation.ts'
import { Bench } from './bench.ts'
import type { BenchPeer } from './bench.ts'
import { Chain } from './chain.ts'
import { checkHistory } from './history.ts'
import type { Operation } from './history.ts'
import { probe } from './probe.ts'

const STEPS = 700
const SETTLE_STEPS = 6_000
const NETWORK = 'a0a1a2a3a4a5a6a7a8a9aaabacadaeaf' as NetworkId
/**
 * How far time moves at a time: within a message's way, a repetition, a finish; and past the
 * keeping of promises.
 */
const LEAPS_MS = [1, 10, 60, 300, 2_600]
const FOLDING_LEAP_MS = 61_000
/** A commit whose client is gone is given up within it. */
const GIVEN_UP_LEAP_MS = 6_000
const DEADLINE_MS = 3_000
const KEYS: readonly RegisterKey[] = [dataKey('a'), dataKey('b')]
const POOL_MAX = 120
const marks = new Marks(sha256, utf8)

/**
 * What a schedule is about: everything in turn; deletions that are forgotten meanwhile; or one
 * register that several peers write at all the time.
 */
export type ScheduleKind = 'plain' | 'sweeping' | 'hot'
/** Of the steps of a schedule, those that a client begins something in. */
const ACT_RATE = 0.05
const HOT_ACT_RATE = 0.14

export interface ScheduleResult {
  readonly violation: Violation | undefined
  readonly operations: number
  readonly applied: number
  readonly chosen: number
  readonly crashes: number
  /** Peers that forgot deletions. */
  readonly sweeps: number
}

/** Where deletions are forgotten: how often a peer does so. */
const SWEEP_EVERY_MS = 2_000

/** Who is there: voters in one cluster or several, and sometimes a learner. */
const LAYOUTS: readonly (readonly string[])[] = [
  ['c1', 'c1', 'c1'],
  ['c1', 'c1', 'c1', 'c1', 'c1'],
  ['c1', 'c2', 'c3'],
  ['c1', 'c1', 'c1', 'c2', 'c3'],
]

class Schedule {
  readonly chance: Chance
  readonly operations: Operation[] = []
  readonly chains = new Map<RegisterKey, Chain>()
  crashes = 0
  private readonly bench: Bench
  private readonly asked = new Map<ClientId, { readonly operation: Operation; readonly peer: BenchPeer }>()
  private readonly seen = new Map<RegisterKey, number>()
  private lastClient = 0
  private steps = 0
  private readonly retryRate: number
  private readonly lossRate: number
  private readonly crashRate: number
  private readonly isSweeping: boolean
  private readonly isHot: boolean

  constructor(seed: number, kind: ScheduleKind) {
    this.chance = new Chance(seed)
    const isSweeping = kind === 'sweeping'
    this.isSweeping = isSweeping
    this.isHot = kind === 'hot'
    const { chance } = this
    this.retryRate = chance.pick([0.2, 0.6, 0.9])
    this.lossRate = chance.pick([0.02, 0.1, 0.25])
    this.crashRate = chance.pick([0.002, 0.008, 0.02])
    const layout = chance.pick(LAYOUTS)
    const voters = layout.map((_, place) => identityOf(place))
    const hasLearner = chance.happens(0.3)
    const identities = hasLearner ? [...voters, identityOf(layout.length)] : voters
    const clusters = new Map<ClusterId, Identity[]>()
    for (const [place, cluster] of layout.entries()) {
      const members = clusters.get(cluster as ClusterId) ?? []
      members.push(voters[place] as Identity)
      clusters.set(cluster as ClusterId, members)
    }
    const config: Config = { networkId: NETWORK, epoch: 0, clusters, forming: false, protocolMin: 1 }
    const clusterOf = new Map<PeerId, ClusterId>()
    for (const [place, { peerId }] of identities.entries()) clusterOf.set(peerId, (layout[place] ?? 'c1') as ClusterId)
    const quorum = dataQuorum(config)
    for (const key of KEYS) this.chains.set(key, new Chain(key, () => quorum))
    const voterIds = new Set<IdentityId>(voters.map(({ id }) => id))
    this.bench = new Bench({
      chance,
      config,
      clusterOf,
      identities,
      ...(isSweeping ? { sweepEveryMs: SWEEP_EVERY_MS } : {}),
      answered: (client, answer) => this.answered(client, answer),
      hardened: ({ identity: by }, key, { accepted, held }) => {
        const chain = this.chains.get(key)
        if (chain === undefined) return
        if (accepted !== undefined && voterIds.has(by.id)) chain.accepted(by, accepted)
        if (held !== undefined)
          check(
            isStub(held.record) || chain.has(held.record),
            'V1',
            () => `${by.peerId} holds version ${held.record.version} of ${key}, which is not chosen`,
          )
        this.probe(config, key, chain)
      },
    })
  }

  play(): void {
    for (; this.steps < STEPS; this.steps += 1) this.step()
    this.settle()
    for (const [key, chain] of this.chains)
      checkHistory(
        chain,
        this.operations.filter((operation) => operation.key === key),
      )
    this.checkSettled()
  }

  /** V8, where deletions are forgotten: what is on disks shows what is chosen. */
  private probe(config: Config, key: RegisterKey, { tip }: Chain): void {
    if (tip === undefined || !this.isSweeping) return
    probe(config, key, tip, (id) => {
      const peer = this.bench.peers.find((voter) => voter.identity.id === id)
      return peer === undefined ? undefined : { ...peer.synced(key), swept: peer.sweptSynced }
    })
  }

  sweeps(): number {
    return this.bench.peers.filter(({ core }) => core.cells.swept !== undefined).length
  }

  private step(): void {
    const { chance, bench } = this
    const { peers, pool, pulls } = bench
    if (pulls.length > 0 && chance.happens(0.2)) return bench.stepPull(chance.below(pulls.length))
    const draw = chance.number()
    if (pool.length > POOL_MAX) pool.splice(chance.below(pool.length), 1)
    else if (draw < this.crashRate) this.crash(chance.pick(peers))
    else if (draw < (this.isHot ? HOT_ACT_RATE : ACT_RATE)) this.act()
    else if (draw < 0.25) chance.pick(peers).sync(chance)
    else if (draw < 0.31) this.pass(this.drawLeap())
    else if (pool.length === 0) this.pass(this.drawLeap())
    else if (chance.happens(this.lossRate)) pool.splice(chance.below(pool.length), 1)
    else bench.deliver(chance.below(Math.min(pool.length, 12)), chance.happens(0.08))
    for (const peer of peers) if (!peer.isUp && chance.happens(0.05)) peer.restart()
  }

  private drawLeap(): number {
    const { chance } = this
    if (chance.happens(0.004)) return FOLDING_LEAP_MS
    return chance.happens(0.03) ? GIVEN_UP_LEAP_MS : chance.pick(LEAPS_MS)
  }

  private pass(ms: number): void {
    this.bench.nowMs += ms
    for (const peer of this.bench.peers) if (this.chance.happens(0.8)) peer.tick()
  }

  private crash(peer: BenchPeer): void {
    if (!peer.isUp) return
    this.crashes += 1
    peer.crash()
    for (const [client, asked] of this.asked) if (asked.peer === peer) this.asked.delete(client)
  }

  private act(): void {
    const { chance, bench } = this
    const up = bench.peers.filter(({ isUp }) => isUp)
    if (up.length === 0) return
    const peer = chance.pick(up)
    const key = chance.happens(0.8) ? (KEYS[0] as RegisterKey) : chance.pick(KEYS)
    if (chance.happens(this.isHot ? 0.05 : 0.3)) return this.read(peer, key)
    const contents: Contents = chance.happens(this.isSweeping ? 0.4 : 0.2)
      ? { kind: 'deleted' }
      : { kind: 'value', value: utf8.encode(`v${this.lastClient}`), contentType: 'text/plain', ttlMs: undefined }
    const writeIdGiven = chance.happens(0.6)
    const seen = this.seen.get(key) ?? 0
    const request: WriteRequest = {
      kind: 'write',
      key,
      contents,
      condition: this.drawCondition(seen),
      writeId: `w${this.lastClient}-${chance.hex(8)}`,
      writeIdGiven,
      after: writeIdGiven ? seen : undefined,
      writtenAtMs: Math.floor(bench.nowMs),
    }
    this.write(peer, key, request)
  }

  private drawCondition(seen: number): Condition | undefined {
    const { chance } = this
    if (chance.happens(0.4)) return undefined
    if (chance.happens(0.5)) return { kind: 'versions', versions: [seen] }
    return chance.happens(0.5) ? { kind: 'absent' } : { kind: 'live' }
  }

  private read(peer: BenchPeer, key: RegisterKey): void {
    const consistency = this.chance.happens(0.2) ? 'local' : 'linearizable'
    const request: ReadRequest = { kind: 'read', key, consistency, newer: undefined }
    this.ask(peer, { key, request, mark: undefined, beganAt: this.steps, endedAt: this.steps, answer: undefined })
  }

  private write(peer: BenchPeer, key: RegisterKey, request: WriteRequest): void {
    const mark = marks.of(key, request.writeId, request.contents, request.condition)
    this.ask(peer, { key, request, mark, beganAt: this.steps, endedAt: this.steps, answer: undefined })
    // A client that lost patience tries again elsewhere while the first try is under way.
    if (!request.writeIdGiven || !this.chance.happens(this.retryRate * 0.3)) return
    const others = this.bench.peers.filter((other) => other.isUp && other !== peer)
    if (others.length > 0)
      this.ask(this.chance.pick(others), { key, request, mark, beganAt: this.steps, endedAt: this.steps, answer: undefined })
  }

  private ask(peer: BenchPeer, operation: Operation): void {
    this.lastClient += 1
    this.operations.push(operation)
    this.asked.set(this.lastClient, { operation, peer })
    const deadlineMs = this.bench.nowMs + (this.chance.happens(0.3) ? DEADLINE_MS / 10 : DEADLINE_MS)
    peer.ask(this.lastClient, operation.request, deadlineMs)
  }

  private answered(client: ClientId, answer: RegisterAnswer): void {
    const asked = this.asked.get(client)
    if (asked === undefined) return
    this.asked.delete(client)
    const { operation } = asked
    operation.endedAt = this.steps
    operation.answer = answer
    const { key, request } = operation
    if (answer.kind === 'applied') this.seen.set(key, Math.max(answer.version, this.seen.get(key) ?? 0))
    if (answer.kind === 'found') this.seen.set(key, Math.max(answer.record.version, this.seen.get(key) ?? 0))
    if (answer.kind !== 'in-doubt' || request.kind !== 'write' || !this.chance.happens(this.retryRate)) return
    const up = this.bench.peers.filter(({ isUp }) => isUp)
    if (up.length > 0 && this.steps < STEPS) this.write(this.chance.pick(up), key, { ...request, writeIdGiven: true, after: answer.after })
  }

  /** No more faults: what is under way ends. */
  private settle(): void {
    const { bench } = this
    for (const peer of bench.peers) if (!peer.isUp) peer.restart()
    for (let step = 0; step < SETTLE_STEPS; step += 1) {
      this.steps += 1
      while (bench.pool.length > 0) bench.deliver(0, false)
      if (bench.pulls.length > 0) bench.stepPull(0)
      for (const peer of bench.peers) peer.syncAll()
      if (bench.pool.length > 0) continue
      if (this.asked.size === 0 && bench.peers.every(({ core }) => core.doubts.size === 0 && !core.isBusy)) return
      bench.nowMs += 20
      for (const peer of bench.peers) peer.tick()
    }
    const doubts = bench.peers.map(({ core }) => core.doubts.size).join(' ')
    throw new Violation('L1', `after healing ${this.asked.size} clients wait, and registers in doubt are ${doubts}`)
  }

  private checkSettled(): void {
    for (const [key, chain] of this.chains) {
      for (const { identity: by, core } of this.bench.peers) {
        const { held } = core.cells.read(key)
        const isChosen = held === undefined || isStub(held.record) || chain.has(held.record)
        check(isChosen, 'V7', () => `${by.peerId} holds version ${held?.record.version} of ${key}, which is not chosen`)
      }
      const { tip } = chain
      if (tip === undefined || (tip.record.isDeleted && this.isSweeping)) continue
      // Whoever accepted it finishes it, so that it is known somewhere.
      const isHeld = this.bench.peers.some(({ core }) => {
        const { held } = core.cells.read(key)
        return held !== undefined && equalRegisterRecords(held.record, tip.record)
      })
      check(isHeld, 'L1', () => `nobody holds version ${tip.record.version} of ${key}, which is chosen`)
    }
  }
}

export function playSchedule(seed: number, kind: ScheduleKind = 'plain'): ScheduleResult {
  const schedule = new Schedule(seed, kind)
  let violation: Violation | undefined
  try {
    schedule.play()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    violation = error instanceof Violation ? error : new Violation('crash', error.stack ?? error.message)
  }
  const { operations, chains, crashes } = schedule
  const applied = operations.filter(({ answer }) => answer?.kind === 'applied').length
  const chosen = [...chains.values()].reduce((sum, { records }) => sum + records.length, 0)
  return { violation, operations: operations.length, applied, chosen, crashes, sweeps: schedule.sweeps() }
}

function identityOf(place: number): Identity {
  const name = 'ABCDEFGH'[place] ?? 'Z'
  return identity(name as PeerId, name.toLowerCase().charCodeAt(0).toString(16).padEnd(32, '0') as Incarnation)
}
