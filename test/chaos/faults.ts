/**
 * What is done to the peers, drawn from the seed: one fault after another, overlapping as it comes.
 */
import { openSync, closeSync, fstatSync, readSync, readdirSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Chance } from '../simulation/chance.ts'
import type { Link } from './control.ts'
import type { Fleet, Member } from './fleet.ts'
import { FAULTS } from './options.ts'
import type { ChaosOptions, FaultKind } from './options.ts'

/** Before a loss of power disks are given what is written so late, for so long. */
const UNSYNCED_MS = 400
const PAUSE_MS_MAX = 5_000
const SLOW_MS_MAX = 300
const LOSS_RATE_MAX = 0.3
const DUPLICATE_RATE_MAX = 0.3
const BITS_FLIPPED_MAX = 8
/** Up to ten years, either way. */
const WALL_JUMP_MS_MAX = 315_576_000_000
/**
 * How often a fault waits until there is a quorum: else a slow machine would see nothing but peers
 * that start.
 */
const PATIENT_RATE = 0.85
const LOOK_MS = 50
/** Between looks at whether those that were damaged vote again. */
const RECOVERED_EVERY_MS = 500

export class Faults {
  readonly counts: Map<string, number> = new Map()
  readonly #fleet: Fleet
  readonly #options: ChaosOptions
  readonly #chance: Chance
  readonly #say: (text: string) => void
  readonly #stopping = new AbortController()
  readonly #underway: Set<Promise<void>> = new Set()
  /**
   * Faults on links under way: they are healed together, for one may have taken the place of
   * another.
   */
  #bent = 0

  constructor(fleet: Fleet, options: ChaosOptions, chance: Chance, say: (text: string) => void) {
    this.#fleet = fleet
    this.#options = options
    this.#chance = chance
    this.#say = say
  }

  /** Until `stop`. @throws what a peer does that does not come back */
  async run(): Promise<void> {
    const { signal } = this.#stopping
    const chance = this.#chance
    const failure = Promise.withResolvers<never>()
    failure.promise.catch(() => undefined)
    let lookedMs = 0
    while (!signal.aborted) {
      await Promise.race([this.#wait(chance.between(200, this.#options.faultEveryMs)), failure.promise])
      if (chance.happens(PATIENT_RATE)) await Promise.race([this.#quorum(), failure.promise])
      if (signal.aborted) break
      if (performance.now() - lookedMs > RECOVERED_EVERY_MS) {
        await this.#fleet.noteRecovered().catch(() => undefined)
        lookedMs = performance.now()
      }
      const fault = this.#begin(this.#drawKind())
      this.#underway.add(fault)
      fault.then(() => this.#underway.delete(fault), failure.reject)
    }
    await Promise.race([Promise.all(this.#underway), failure.promise])
  }

  /** Waits for the peers that are back already to be enough. */
  async #quorum(): Promise<void> {
    while (!this.#fleet.hasQuorum && !this.#stopping.signal.aborted) await this.#wait(LOOK_MS)
  }

  /** Begins no more, and ends what is under way early. */
  stop(): void {
    this.#stopping.abort()
  }

  #drawKind(): FaultKind {
    return this.#chance.pick(FAULTS.flatMap((kind) => Array<FaultKind>(this.#options.weights[kind]).fill(kind)))
  }

  async #begin(kind: FaultKind): Promise<void> {
    switch (kind) {
      case 'kill':
        return this.#kill(kind, this.#some())
      case 'power-loss':
        return this.#losePower(this.#some())
      case 'pause':
        return this.#pause(this.#some())
      case 'stop':
        return this.#stop(this.#some())
      case 'cut':
        return this.#cut()
      case 'slow':
        return this.#slow()
      case 'clock':
        return this.#jump(this.#some())
      case 'damage':
      case 'wipe':
        return this.#damage(kind)
    }
  }

  /** Peers that no fault has now: one, several, a cluster, or all. */
  #some(): readonly [string, Member[]] {
    const { members, clusterIds } = this.#fleet
    const chance = this.#chance
    const free = (from: readonly Member[]): Member[] => from.filter(({ isTaken, state }) => !isTaken && state === 'up')
    const roll = this.#options.everybody ? 1 : chance.number()
    if (roll < 0.5) return ['one', chance.shuffled(free(members)).slice(0, 1)]
    if (roll < 0.75) return ['several', chance.shuffled(free(members)).slice(0, chance.between(2, Math.max(2, members.length - 1)))]
    if (roll < 0.88) return ['a cluster', free(this.#fleet.inCluster(chance.pick(clusterIds)))]
    return ['all', free(members)]
  }

  /** Counts and tells a fault, unless it has nobody to be done to. */
  #done(kind: string, members: readonly Member[]): boolean {
    if (members.length === 0) return false
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
    this.#say(`${kind}: ${members.map(({ name }) => name).join(' ')}`)
    return true
  }

  async #with(members: readonly Member[], work: (member: Member) => Promise<void>): Promise<void> {
    for (const member of members) member.isTaken = true
    await Promise.all(members.map((member) => work(member)))
    for (const member of members) member.isTaken = false
  }

  async #kill(kind: string, [scope, members]: readonly [string, Member[]]): Promise<void> {
    if (!this.#done(`${kind} ${scope}`, members)) return
    const isTogether = this.#chance.happens(0.5)
    const awayMs = this.#outageMs()
    const awaysMs = new Map(members.map((member) => [member, isTogether ? awayMs : this.#outageMs()]))
    await this.#with(members, async (member) => {
      await this.#fleet.kill(member)
      await this.#wait(awaysMs.get(member) ?? 0)
      await this.#fleet.start(member)
    })
  }

  async #losePower(some: readonly [string, Member[]]): Promise<void> {
    const [, members] = some
    for (const member of members) {
      member.isTaken = true
      member.diskDelayMs = UNSYNCED_MS
      this.#fleet.tell(member)
    }
    await this.#wait(this.#chance.between(UNSYNCED_MS / 2, 2 * UNSYNCED_MS))
    for (const member of members) {
      // It comes back with the disk it had.
      member.diskDelayMs = this.#options.diskDelayMs
    }
    const living = members.filter(({ state }) => state === 'up')
    const killed = this.#kill('power-loss', [some[0], living])
    for (const member of members) this.#fleet.tell(member)
    await killed
    for (const member of members) member.isTaken = false
  }

  async #pause([scope, members]: readonly [string, Member[]]): Promise<void> {
    if (!this.#done(`pause ${scope}`, members)) return
    const pauseMs = this.#chance.between(200, PAUSE_MS_MAX)
    await this.#with(members, async (member) => {
      this.#fleet.pause(member)
      await this.#wait(pauseMs)
      if (member.state === 'paused') this.#fleet.resume(member)
    })
  }

  async #stop([scope, members]: readonly [string, Member[]]): Promise<void> {
    if (!this.#done(`stop ${scope}`, members)) return
    await this.#with(members, async (member) => {
      await this.#fleet.stop(member)
      await this.#fleet.start(member)
    })
  }

  /** Nothing passes between one part of the peers and the rest; or only one way. */
  async #cut(): Promise<void> {
    const chance = this.#chance
    const { members, clusterIds } = this.#fleet
    const [scope, part] = chance.pick([
      ['one', [chance.pick(members)]],
      ['a cluster', this.#fleet.inCluster(chance.pick(clusterIds))],
      ['any half', chance.shuffled(members).slice(0, Math.floor(members.length / 2))],
    ] as const)
    const isOneWay = chance.happens(0.3)
    const link: Link = { isCut: true, delayMs: 0, lossRate: 0, duplicateRate: 0 }
    await this.#bend(`cut ${scope}${isOneWay ? ' one way' : ''}`, part, link, isOneWay, chance.between(300, 2 * this.#options.outageMs))
  }

  async #slow(): Promise<void> {
    const chance = this.#chance
    const part = chance.shuffled(this.#fleet.members).slice(0, chance.between(1, this.#fleet.members.length))
    const isLossy = chance.happens(0.5)
    const link: Link = {
      isCut: false,
      delayMs: chance.between(5, SLOW_MS_MAX),
      lossRate: isLossy ? chance.span(0, LOSS_RATE_MAX) : 0,
      duplicateRate: chance.span(0, DUPLICATE_RATE_MAX),
    }
    await this.#bend(isLossy ? 'slow and lossy' : 'slow', part, link, false, chance.between(500, 2 * this.#options.outageMs))
  }

  /** @param isOneWay only what the part sends */
  async #bend(kind: string, part: readonly Member[], link: Link, isOneWay: boolean, forMs: number): Promise<void> {
    if (!this.#done(kind, part)) return
    const others = this.#fleet.members.filter((member) => !part.includes(member))
    const between = others.length === 0 ? this.#fleet.members : others
    for (const member of part) this.#bendTo(member, between, link)
    if (!isOneWay) for (const member of between) this.#bendTo(member, part, link)
    this.#bent += 1
    await this.#wait(forMs)
    this.#bent -= 1
    if (this.#bent > 0) return
    for (const member of this.#fleet.members) {
      member.links = {}
      this.#fleet.tell(member)
    }
  }

  #bendTo(member: Member, others: readonly Member[], link: Link): void {
    for (const other of others) if (other !== member) member.links = { ...member.links, [other.peerId]: link }
    this.#fleet.tell(member)
  }

  async #jump([scope, members]: readonly [string, Member[]]): Promise<void> {
    if (!this.#done(`clock ${scope}`, members)) return
    for (const member of members) {
      member.wallOffsetMs = Math.round(this.#chance.span(-1, 1) ** 3 * WALL_JUMP_MS_MAX)
      this.#fleet.tell(member)
    }
  }

  /**
   * At most a minority of a cluster at a time, and only while everybody votes: what a lost disk
   * knew is then known elsewhere.
   */
  async #damage(kind: 'damage' | 'wipe'): Promise<void> {
    const clusters = this.#chance.shuffled(this.#fleet.clusterIds).slice(0, this.#chance.between(1, 2))
    const isComplete = await this.#fleet.isComplete().catch(() => false)
    if (!isComplete || this.#fleet.members.some(({ isDamaged }) => isDamaged)) return
    const victims = clusters.flatMap((clusterId) => {
      const members = this.#fleet.inCluster(clusterId)
      const failing = members.filter(({ mayFail }) => mayFail)
      const most = Math.ceil(members.length / 2) - 1
      const candidates = failing.length >= most ? failing : members
      return this.#chance.shuffled(candidates.filter(({ isTaken, state }) => !isTaken && state === 'up')).slice(0, 1)
    })
    if (!this.#done(kind, victims)) return
    // At once, so that no other of these faults begins meanwhile.
    for (const member of victims) member.isDamaged = true
    const awayMs = this.#outageMs()
    await this.#with(victims, async (member) => {
      await this.#fleet.kill(member)
      await this.#wait(awayMs)
      if (kind === 'wipe') this.#fleet.loseStore(member)
      else {
        flipBits(join(member.process.directory, 'store'), this.#chance.between(1, BITS_FLIPPED_MAX), this.#chance)
        member.mayFail = true
      }
      await this.#fleet.start(member)
    })
  }

  /** Nothing in a fifth of the cases. */
  #outageMs(): number {
    return this.#chance.happens(0.2) ? 0 : this.#chance.below(this.#options.outageMs)
  }

  async #wait(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
  }
}

/** In the largest file of the store, which is the one that holds it. */
function flipBits(directory: string, bits: number, chance: Chance): void {
  const files = readdirSync(directory).map((name) => join(directory, name))
  const [path] = files.sort((a, b) => statSync(b).size - statSync(a).size)
  if (path === undefined) return
  const file = openSync(path, 'r+')
  const { size } = fstatSync(file)
  for (let flipped = 0; flipped < bits; flipped += 1) {
    const place = chance.below(size)
    const byte = Buffer.alloc(1)
    readSync(file, byte, 0, 1, place)
    writeSync(file, Buffer.of((byte[0] ?? 0) ^ (1 << chance.below(8))), 0, 1, place)
  }
  closeSync(file)
}
