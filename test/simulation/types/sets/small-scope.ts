/**
 * Short schedules of three or four peers, one set, a few elements that are used again and again,
 * and many that are not: operations with stamps of now and of long ago, messages lost, late and
 * doubled, peers away, crashed, wiped and removed, clocks apart, rival sweeps. Then all is healed,
 * and held against the model (C1, C2, C6).
 */
import { HashTree } from '../../../../protocols/base/hash-tree.ts'
import type { Identity, PeerId } from '../../../../protocols/base/identity.ts'
import { equalBytes } from '../../../../protocols/base/record.ts'
import type { TypeContext } from '../../../../protocols/data-type.ts'
import { DiskRows, ELEMENTS, SETS_KEPT, WHOLE_MARK } from '../../../../protocols/sets/disk-rows.ts'
import { keyOfElement } from '../../../../protocols/sets/element.ts'
import { NO_STAMPS, isMember } from '../../../../protocols/sets/join.ts'
import type { Stamps } from '../../../../protocols/sets/join.ts'
import { NO_STAMP } from '../../../../protocols/sets/requests.ts'
import type { Cut, SetAnswer, SetRequest } from '../../../../protocols/sets/requests.ts'
import { sha256, utf8 } from '../../../../src/bytes.ts'
import { Chance } from '../../chance.ts'
import { Violation, check } from '../../checkers/violation.ts'
import { elementAt } from './clients.ts'
import { Model } from './model.ts'
import { SmallPeer } from './small-peer.ts'
import type { SmallWorld } from './small-peer.ts'

const SET = 's'
const ELEMENTS_COUNT = 5
const STEPS = 80
/** So much goes on between two operations or faults, at most. */
const FLOW_MAX = 40
/** Rounds in which all is healed. */
const CALM_ROUNDS = 100
const FIRST_ROUNDS = 20
const ROUND_MS = 400
const STEP_MS = 250
const SETTINGS = { historyMs: 2_000, leastAgeMs: 500, sweepEveryMs: 800, sweepLeast: 1, aheadMs: 60_000 }
/** Messages that are lost. */
const LOSS_RATE = 0.08
/** Stamps of clients lie back so far, at most. */
const BACK_MS = 6_000
const CLOCK_OFF_MS = 1_000
const DISK = new DiskRows(utf8, sha256)
const NO_CUT: Cut = { number: 0, stamp: NO_STAMP, bar: NO_STAMP }

interface Parcel {
  readonly from: Identity
  readonly to: SmallPeer
  readonly body: Uint8Array
}

interface Asked {
  readonly peer: SmallPeer
  readonly by: Identity
  readonly request: SetRequest
  readonly answers: readonly SetAnswer[]
  readonly held: Stamps
}

export interface SmallResult {
  readonly violation: Violation | undefined
  readonly cuts: number
  readonly forgotten: number
}

/** Plays one schedule. */
export function playSets(seed: number): SmallResult {
  const schedule = new Schedule(seed)
  let violation: Violation | undefined
  try {
    schedule.play()
  } catch (error) {
    violation = error instanceof Violation ? error : new Violation('threw', error instanceof Error ? (error.stack ?? '') : String(error))
  }
  return { violation, cuts: schedule.cuts, forgotten: schedule.model.forgottenCount }
}

class Schedule {
  readonly model = new Model()
  cuts = 0
  private readonly chance: Chance
  private readonly world: SmallWorld
  private readonly peers: SmallPeer[] = []
  private readonly parcels: Parcel[] = []
  private readonly decisions: (() => void)[] = []
  private readonly decided = new Map<string, Uint8Array>()
  private asked: Asked[] = []
  /** In each life of a peer. */
  private readonly lastGiven = new Map<unknown, number>()
  private isCalm = false

  constructor(seed: number) {
    const chance = new Chance(seed)
    this.chance = chance
    const decide: TypeContext['decide'] = (name, value, _deadlineMs, settled) => {
      this.decisions.push(() => {
        if (!this.decided.has(name)) this.decided.set(name, value)
        settled(this.decided.get(name))
      })
    }
    const transmit = (from: SmallPeer, to: PeerId, body: Uint8Array): void => this.transmit(from, to, body)
    this.world = { chance, nowMs: 0, peers: this.peers, voters: [], transmit, decide }
    const count = chance.between(2, 4)
    for (let index = 0; index < count; index += 1) this.peers.push(new SmallPeer(`p${index}`, this.world, SETTINGS))
    this.world.voters = this.peers.map(({ self }) => self)
    for (const peer of this.peers) {
      peer.clockOffMs = Math.floor(chance.span(-CLOCK_OFF_MS, CLOCK_OFF_MS))
      peer.start()
    }
  }

  play(): void {
    this.settle(FIRST_ROUNDS)
    this.isCalm = false
    for (let step = 0; step < STEPS; step += 1) {
      this.world.nowMs += this.chance.below(STEP_MS)
      this.act()
      this.look()
    }
    this.settle(CALM_ROUNDS)
    this.compareAll()
  }

  /** Everything works, and all is delivered, until nothing is left to say. */
  private settle(rounds: number): void {
    this.isCalm = true
    for (const peer of this.peers) {
      peer.isConnected = true
      if (peer.sets === undefined) peer.start()
    }
    for (let round = 0; round < rounds; round += 1) {
      this.world.nowMs += ROUND_MS
      for (const peer of this.peers) {
        peer.tick()
        peer.sync()
        peer.compare(this.chance.pick(this.peers))
      }
      while (this.parcels.length > 0) this.deliver(0)
      while (this.decisions.length > 0) this.decisions.shift()?.()
      for (const peer of this.peers) peer.sync()
      this.look()
    }
  }

  private act(): void {
    const { chance } = this
    const peer = chance.pick(this.peers)
    const draw = chance.number()
    if (draw < 0.35) this.operate(peer)
    else if (draw < 0.8) for (let count = chance.below(FLOW_MAX); count > 0; count -= 1) this.flow()
    else if (draw < 0.85) peer.compare(chance.pick(this.peers))
    else if (draw < 0.89) peer.isConnected = !peer.isConnected
    else if (draw < 0.93) this.restart(peer)
    else if (draw < 0.95) this.wipe(peer)
    else peer.clockOffMs = Math.floor(chance.span(-CLOCK_OFF_MS, CLOCK_OFF_MS))
  }

  /** Something that is under way goes on: mostly what has waited longest. */
  private flow(): void {
    const { chance } = this
    const draw = chance.number()
    if (draw < 0.6) this.deliver(chance.happens(0.8) ? 0 : chance.below(Math.max(1, this.parcels.length)))
    else if (draw < 0.8) chance.pick(this.peers).sync()
    else if (draw < 0.92) chance.pick(this.peers).tick()
    else this.decisions.splice(chance.below(Math.max(1, this.decisions.length)), 1)[0]?.()
  }

  private operate(peer: SmallPeer): void {
    const { chance } = this
    if (peer.sets === undefined) return
    const element = elementAt(chance.happens(0.5) ? chance.below(ELEMENTS_COUNT) : ELEMENTS_COUNT + this.asked.length + this.world.nowMs)
    const draw = chance.below(3)
    const stamp = Math.floor(peer.wallMs - chance.span(0, BACK_MS))
    const isAdded = chance.happens(0.5)
    const entry = { element, added: isAdded ? stamp : NO_STAMP, removed: isAdded ? NO_STAMP : stamp }
    const request: SetRequest =
      draw === 0
        ? { kind: 'insert', set: SET, elements: [element], wait: 'here' }
        : draw === 1
          ? { kind: 'delete', set: SET, elements: [element], wait: 'here' }
          : { kind: 'update', set: SET, entries: [entry], clock: { kind: 'right' }, wait: 'here' }
    const answers = peer.ask(request)
    const row = peer.seen.get(DISK.nameOf(SET, keyOfElement(element)))
    const held = row === undefined ? NO_STAMPS : DISK.decode(DISK.nameOf(SET, keyOfElement(element)), row)
    this.asked.push({ peer, by: peer.self, request, answers, held })
    // What is refused is answered at once, and what is done waits for the disk.
    const isDone = (answers[0]?.kind ?? 'stored') === 'stored'
    const isWhole = peer.seen.get(WHOLE_MARK) !== undefined
    check(!isDone || isWhole, 'C6', () => `${peer.peerId} takes an operation before its first whole pull`)
    // What is refused is answered at once, and what is done waits for the disk.
    if (request.kind !== 'update' && (answers[0]?.kind ?? 'stored') === 'stored')
      this.checkGiven(peer, request.kind === 'insert' ? held.added : held.removed)
  }

  /** A peer's stamps do not go back, though its clock does. */
  private checkGiven({ peerId, self, sets }: SmallPeer, stamp: number): void {
    const last = this.lastGiven.get(sets) ?? NO_STAMP
    check(stamp >= last || stamp === NO_STAMP, 'C4', () => `${peerId} of ${self.incarnation} gives ${stamp} after ${last}`)
    this.lastGiven.set(sets, Math.max(last, stamp))
  }

  /** Whoever crashes loses the end of what was not synced. */
  private restart(peer: SmallPeer): void {
    if (peer.sets === undefined) peer.start()
    else peer.crash(this.chance.number())
  }

  /**
   * The disk is lost, and what comes back is let in in place of what is gone. Others hold all that
   * a majority would.
   */
  private wipe(peer: SmallPeer): void {
    if (this.peers.some((other) => other !== peer && other.sets?.status()['ready'] !== true)) return
    peer.wipe()
    this.world.voters = this.peers.map(({ self }) => self)
    peer.start()
  }

  private transmit(from: SmallPeer, peerId: PeerId, body: Uint8Array): void {
    const to = this.peers.find((peer) => peer.peerId === peerId)
    if (to === undefined || (!this.isCalm && (!from.isConnected || !to.isConnected || this.chance.happens(LOSS_RATE)))) return
    this.parcels.push({ from: from.self, to, body })
    if (!this.isCalm && this.chance.happens(0.1)) this.parcels.push({ from: from.self, to, body })
  }

  private deliver(place: number): void {
    const [parcel] = this.parcels.splice(place, 1)
    if (parcel !== undefined && (this.isCalm || parcel.to.isConnected)) parcel.to.hear(parcel.from, parcel.body)
  }

  /**
   * What was answered counts from now on; what was forgotten must not be seen again by whoever has
   * that cut.
   */
  private look(): void {
    this.asked = this.asked.filter(({ peer, by, request, answers, held }) => {
      const [answer] = answers
      if (answer === undefined) return peer.self === by
      if (answer.kind === 'stored') this.count(by, request, held)
      return false
    })
    for (const peer of this.peers) {
      const cut = cutOf(peer)
      this.cuts = Math.max(this.cuts, cut.number)
      for (let index = 0; index < ELEMENTS_COUNT; index += 1) {
        const key = keyOfElement(elementAt(index))
        const held = heldBy(peer, index)
        this.model.wrote(SET, key, held)
        check(!this.model.isBack(SET, key, held, cut), 'C6', () => `${peer.peerId} holds ${key} again, ${held.added} ${held.removed}`)
        // Whoever has a cut and no row has forgotten what was removed before it.
        if (cut.number > 0 && held.added < 0 && held.removed < 0) this.forget(key, cut)
      }
    }
  }

  private forget(key: ReturnType<typeof keyOfElement>, cut: Cut): void {
    const removed = this.model.removedUpTo(SET, key, cut.stamp)
    if (removed >= 0) this.model.forget(SET, key, { added: NO_STAMP, removed }, cut.number)
  }

  private count(by: Identity, request: SetRequest, held: Stamps): void {
    if (request.kind === 'update') {
      for (const { element, added, removed } of request.entries) {
        this.model.add({ set: SET, key: keyOfElement(element), stamps: { added, removed }, by: by.id })
      }
    } else if (request.kind === 'insert' || request.kind === 'delete') {
      const [element] = request.elements
      if (element === undefined) return
      check(isMember(held) === (request.kind === 'insert'), 'C4', () => `${request.kind} leaves ${held.added} ${held.removed}`)
      const stamps = request.kind === 'insert' ? { added: held.added, removed: NO_STAMP } : { added: NO_STAMP, removed: held.removed }
      this.model.add({ set: SET, key: keyOfElement(element), stamps, by: by.id })
    }
  }

  private compareAll(): void {
    const described = this.peers.map((peer) => describe(peer))
    check(new Set(described).size === 1, 'C1', () => `peers differ: ${described.join(' | ')}`)
    for (const peer of this.peers) checkTree(peer)
    const stores = new Set(this.peers.map(({ self }) => self.id))
    for (const expected of this.model.expected((by) => stores.has(by))) {
      for (const peer of this.peers) {
        const { set, key, stamps } = expected
        const row = peer.disk.get(DISK.nameOf(SET, key))
        const held = row === undefined ? NO_STAMPS : DISK.decode(DISK.nameOf(SET, key), row)
        const told = (): string =>
          `${peer.peerId} has ${key} ${held.added} ${held.removed} of ${stamps.added} ${stamps.removed} by ${expected.by}`
        check(this.model.shows(held, cutOf(peer), expected, set, key), 'C1', told)
      }
    }
  }
}

/** The hash tree is that of the rows, however they came to be what they are. */
function checkTree(peer: SmallPeer): void {
  const tree = new HashTree()
  for (const { name, bytes } of peer.disk.range(ELEMENTS)) tree.add(name, DISK.digestOf(SET, DISK.decode(name, bytes)))
  const shown = peer.sets?.collection.tree.rootHash()
  check(shown !== undefined && equalBytes(shown, tree.rootHash()), 'C1', () => `the hash tree of ${peer.peerId} is not that of its rows`)
}

function heldBy(peer: SmallPeer, index: number): Stamps {
  const name = DISK.nameOf(SET, keyOfElement(elementAt(index)))
  const row = peer.disk.get(name)
  return row === undefined ? NO_STAMPS : DISK.decode(name, row)
}

function cutOf(peer: SmallPeer): Cut {
  const kept = peer.disk.get(`${SETS_KEPT}${SET}`)
  return kept === undefined ? NO_CUT : DISK.decodeKept(kept).cut
}

function describe(peer: SmallPeer): string {
  const rows = [...peer.disk.range(ELEMENTS)].map(({ name, bytes }) => DISK.decode(name, bytes))
  const cut = cutOf(peer)
  return `${cut.number} ${cut.stamp}: ${rows.map(({ key, added, removed }) => `${key} ${added} ${removed}`).join(', ')}`
}
