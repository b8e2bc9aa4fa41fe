/**
 * Clients that ask all peers for everything at once, all through a chaos run. What they do is drawn
 * from the seed.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Chance } from '../simulation/chance.ts'
import { Asker } from './asking.ts'
import type { Fleet, Member } from './fleet.ts'
import type { History } from './history.ts'
import type { ChaosOptions } from './options.ts'

/**
 * Contended keys are left behind after this, for a key is worth fighting over only until it is
 * stored.
 */
const CONTEND_MS = 700
const TIMEOUTS_MS = [300, 1_000, 3_000] as const
/** Tries of a put in doubt before it is left there. */
const TRIES_MAX = 5
const PAUSE_MS = 30
/** A client that was refused at once does not ask at once again. */
const REFUSED_MS = 100
const REMEMBERED_MAX = 200
/**
 * Puts that measure when puts succeed: one after each such time, whatever became of those before.
 */
const PROBE_EVERY_MS = 50
const PROBE_TIMEOUT_MS = 2_000
/** A listing has few keys, for each becomes a line of the history. */
const LISTED_MAX = 20
const MUCH_RARER = 0.1

interface Written {
  readonly key: string
  readonly writeId: string
}

export class Workload {
  /** When a put to a new key was acknowledged. */
  readonly successesMs: number[] = []
  readonly #fleet: Fleet
  readonly #options: ChaosOptions
  readonly #asker: Asker
  readonly #chance: Chance
  readonly #recent: string[] = []
  readonly #written: Written[] = []
  readonly #loops: Promise<void>[]
  readonly #probes: Set<Promise<void>> = new Set()
  readonly #stopping = new AbortController()
  #last = 0

  constructor(fleet: Fleet, history: History, options: ChaosOptions, chance: Chance) {
    this.#fleet = fleet
    this.#options = options
    this.#asker = new Asker(history)
    this.#chance = chance
    this.#loops = [...Array.from({ length: options.clients }, (_, client) => this.#runClient(client)), this.#runProbe()]
  }

  /** Nothing is begun any more; resolves when all is answered. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#loops)
    await Promise.all(this.#probes)
  }

  async #runClient(client: number): Promise<void> {
    const chance = this.#chance.fork()
    while (!this.#stopping.signal.aborted) {
      await this.#act(client, chance)
      await delay(chance.below(PAUSE_MS))
    }
  }

  async #runProbe(): Promise<void> {
    const chance = this.#chance.fork()
    while (!this.#stopping.signal.aborted) {
      const up = this.#fleet.members.filter((member) => member.isWhole)
      if (up.length > 0) {
        const probe = this.#probe(chance.pick(up))
        this.#probes.add(probe)
        void probe.then(() => this.#probes.delete(probe))
      }
      await delay(PROBE_EVERY_MS)
    }
  }

  async #probe(peer: Member): Promise<void> {
    const key = this.#freshKey('probe')
    const { kind } = await this.#asker.put({ peer, key, value: Buffer.from(key), writeId: undefined, timeoutMs: PROBE_TIMEOUT_MS })
    if (kind === 'created') this.#succeeded(key)
  }

  #act(client: number, chance: Chance): Promise<void> {
    const roll = chance.number()
    if (roll < 0.25) return this.#put(this.#freshKey(`free/${client}`), chance)
    if (roll < 0.45) return this.#put(this.#contendedKey(chance), chance)
    if (roll < 0.5) return this.#reuse(chance)
    if (roll < 0.55)
      return this.#asker.list(
        this.#fleet.somebody(chance),
        chance.pick(['', 'free/', 'hot/']),
        chance.pick(this.#recentOr('')),
        LISTED_MAX,
        1_000,
      )
    return this.#get(chance)
  }

  /** A put, and while it is in doubt the same put again, at any peer; sometimes at two at once. */
  async #put(key: string, chance: Chance): Promise<void> {
    const value = this.#value(key, chance)
    let writeId = chance.happens(0.5) ? `write-${(this.#last += 1)}` : undefined
    const timeoutMs = chance.pick(TIMEOUTS_MS)
    if (writeId !== undefined) this.#remember(this.#written, { key, writeId })
    for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
      const init = { key, value, writeId, timeoutMs }
      const isDouble = writeId !== undefined && chance.happens(MUCH_RARER)
      const double = isDouble ? this.#asker.put({ ...init, peer: this.#fleet.somebody(chance) }) : undefined
      const result = await this.#asker.put({ ...init, peer: this.#fleet.somebody(chance) })
      await double
      if (result.kind === 'created' || result.kind === 'stored-before') this.#succeeded(key)
      if (result.kind === 'refused') return delay(REFUSED_MS)
      if (result.kind !== 'in-doubt' || result.writeId === undefined || chance.happens(MUCH_RARER)) return
      writeId = result.writeId
      this.#remember(this.#recent, key)
      if (this.#stopping.signal.aborted) return
      await delay(chance.below(PAUSE_MS * (attempt + 1)))
    }
  }

  /** An Idempotency-Key of an earlier put of the key, with another value. */
  async #reuse(chance: Chance): Promise<void> {
    if (this.#written.length === 0) return
    const { key, writeId } = chance.pick(this.#written)
    await this.#asker.put({
      peer: this.#fleet.somebody(chance),
      key,
      value: this.#value(key, chance),
      writeId,
      timeoutMs: chance.pick(TIMEOUTS_MS),
    })
  }

  async #get(chance: Chance): Promise<void> {
    const key = chance.happens(0.4) ? this.#contendedKey(chance) : chance.pick(this.#recentOr('never/put'))
    const waitMs = chance.happens(0.15) ? chance.between(1, 500) : 0
    const consistency = chance.happens(0.25) ? 'local' : 'linearizable'
    const operation = await this.#asker.get({
      peer: this.#fleet.somebody(chance),
      key,
      consistency,
      waitMs,
      timeoutMs: chance.pick(TIMEOUTS_MS),
    })
    // Somebody else looks at once, where a key that was shown may be missed.
    if (operation.answer.kind === 'unknown') await delay(REFUSED_MS)
    if (operation.answer.kind !== 'found') return
    await this.#asker.get({
      peer: this.#fleet.somebody(chance),
      key,
      consistency: 'linearizable',
      waitMs: 0,
      timeoutMs: chance.pick(TIMEOUTS_MS),
    })
  }

  #succeeded(key: string): void {
    this.successesMs.push(performance.now())
    this.#remember(this.#recent, key)
  }

  #remember<Value>(values: Value[], value: Value): void {
    values.push(value)
    if (values.length > REMEMBERED_MAX) values.shift()
  }

  #recentOr(key: string): readonly string[] {
    return this.#recent.length === 0 ? [key] : this.#recent
  }

  #freshKey(prefix: string): string {
    this.#last += 1
    return `${prefix}/${this.#last}`
  }

  #contendedKey(chance: Chance): string {
    return `hot/${Math.floor(performance.now() / CONTEND_MS)}/${chance.below(this.#options.contendedKeys)}`
  }

  /** No two are alike. */
  #value(key: string, chance: Chance): Buffer {
    this.#last += 1
    const text = Buffer.from(`${key} ${this.#last} `)
    const length = chance.happens(MUCH_RARER) ? chance.below(this.#options.valueBytesMax) : text.length
    return Buffer.concat([text, Buffer.alloc(Math.max(0, length - text.length), 'x')])
  }
}
