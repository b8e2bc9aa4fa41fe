/**
 * What is done to logs beside what is done to their peers: stores are killed, members leave and come
 * back, the lead is handed on. Drawn from the seed, one after another.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { LogStatus } from '../../../src/client/client.ts'
import type { Chance } from '../../simulation/chance.ts'
import type { AskedPeer } from '../asking.ts'
import type { Fleet, Member } from '../fleet.ts'
import type { ChaosOptions } from '../options.ts'
import { logOf } from './dialects.ts'
import type { LogKind } from './dialects.ts'

const EVERY_MS_MAX = 3_000
const ASK_MS = 3_000
/** A log has to go on without those who left, while others are killed. */
const MEMBERS_MIN = 3

export class LogFaults {
  readonly counts: Map<string, number> = new Map()
  readonly #fleet: Fleet
  readonly #options: ChaosOptions
  readonly #chance: Chance
  readonly #say: (text: string) => void
  readonly #stopping = new AbortController()
  readonly #loop: Promise<void>

  constructor(fleet: Fleet, options: ChaosOptions, chance: Chance, say: (text: string) => void) {
    this.#fleet = fleet
    this.#options = options
    this.#chance = chance
    this.#say = say
    this.#loop = options.logs.length === 0 ? Promise.resolve() : this.#run()
  }

  /** Begins no more, and ends what is under way early. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#loop
    for (const { redis } of this.#fleet.members) redis?.start()
  }

  async #run(): Promise<void> {
    const chance = this.#chance
    const underway = new Set<Promise<void>>()
    while (!this.#stopping.signal.aborted) {
      await this.#wait(chance.between(200, EVERY_MS_MAX))
      const kind = chance.pick(this.#options.logs)
      const fault = this.#begin(chance.number(), kind).catch(() => undefined)
      underway.add(fault)
      void fault.then(() => underway.delete(fault))
    }
    await Promise.all(underway)
  }

  async #begin(roll: number, kind: LogKind): Promise<void> {
    if (roll < 0.4) return this.#killStore()
    if (roll < 0.8) return this.#change(kind)
    return this.#transfer(kind)
  }

  async #killStore(): Promise<void> {
    const running = this.#fleet.members.filter(({ redis }) => redis?.isRunning === true)
    if (running.length === 0) return
    const member = this.#chance.pick(running)
    this.#done('kill a store', member.name)
    await member.redis?.kill()
    await this.#wait(this.#chance.below(this.#options.outageMs))
    member.redis?.start()
  }

  /** One leaves while there are enough, and whoever left comes back. */
  async #change(kind: LogKind): Promise<void> {
    const asked = this.#someUp()
    if (asked === undefined) return
    const members = await votersOf(asked, kind)
    const away = this.#fleet.members.filter(({ peerId }) => !members.includes(peerId))
    const isRemoval = members.length > MEMBERS_MIN && (away.length === 0 || this.#chance.happens(0.5))
    const peerId = isRemoval ? this.#chance.pick(members) : away.length > 0 ? this.#chance.pick(away).peerId : undefined
    if (peerId === undefined) return
    const name = this.#fleet.members.find((member) => member.peerId === peerId)?.name ?? peerId
    const status = await ask(asked, `/logs/${logOf(kind)}/change`, { [isRemoval ? 'remove' : 'add']: [peerId] })
    if (status === 202) this.#done(isRemoval ? 'remove a member' : 'add a member', `${name}, ${logOf(kind)}`)
  }

  async #transfer(kind: LogKind): Promise<void> {
    const asked = this.#someUp()
    if (asked === undefined) return
    const to = this.#chance.pick(await votersOf(asked, kind))
    const status = await ask(asked, `/logs/${logOf(kind)}/transfer`, { to })
    if (status === 202) this.#done('hand on the lead', logOf(kind))
  }

  #someUp(): Member | undefined {
    const up = this.#fleet.members.filter(({ state }) => state === 'up')
    return up.length === 0 ? undefined : this.#chance.pick(up)
  }

  #done(what: string, whom: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
    this.#say(`${what}: ${whom}`)
  }

  async #wait(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
  }
}

/** Peer ids of those that vote. @throws when the peer does not say */
export async function votersOf(peer: AskedPeer, kind: LogKind): Promise<string[]> {
  const { members } = await statusOf(peer, kind)
  return members.filter(({ role }) => role === 'voter').map((member) => member.peer)
}

export async function statusOf(peer: AskedPeer, kind: LogKind): Promise<LogStatus> {
  const reply = await peer.process.client.ask('GET', `/logs/${logOf(kind)}/status`, { signal: AbortSignal.timeout(ASK_MS) })
  if (reply.status !== 200) throw new Error(`${peer.name} answered ${reply.status}: ${reply.body.toString()}`)
  return JSON.parse(reply.body.toString()) as LogStatus
}

export async function ask(peer: AskedPeer, path: string, body: object): Promise<number> {
  const headers = { 'Content-Type': 'application/json' }
  const reply = await peer.process.client.ask('POST', path, { headers, body: JSON.stringify(body), signal: AbortSignal.timeout(ASK_MS) })
  return reply.status
}
