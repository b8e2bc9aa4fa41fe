/**
 * Clients that write, compare and set, delete and read registers at all peers, all through a chaos
 * run. Some registers are fought over for a short time, some live through all of it, and some
 * expire: those are kept apart, because the peers themselves delete them.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Chance } from '../../simulation/chance.ts'
import type { Fleet } from '../fleet.ts'
import type { ChaosOptions } from '../options.ts'
import { RegisterAsker } from './asking.ts'
import type { WriteInit } from './asking.ts'
import type { RegisterHistory, RegisterOperation } from './history.ts'

/** How long a register is fought over. */
const CONTEND_MS = 3_000
const LASTING = 6
const TIMEOUTS_MS = [300, 1_000, 3_000] as const
/** Tries of a write in doubt before it is left there. */
const TRIES_MAX = 5
const PAUSE_MS = 40
const REFUSED_MS = 100
const TTL_SECONDS_MAX = 4
/** Registers have their clients beside those of the keys. */
const CLIENTS_SHARE = 0.5
const RARELY = 0.1

export const EXPIRING = 'expiring/'

export class RegisterWorkload {
  readonly #fleet: Fleet
  readonly #options: ChaosOptions
  readonly #asker: RegisterAsker
  readonly #expiring: RegisterAsker
  readonly #loops: Promise<void>[]
  readonly #stopping = new AbortController()
  /** The highest version that was shown to a client, by register. */
  readonly #versions = new Map<string, number>()
  #last = 0

  /** @param expiring the history of the registers that expire */
  constructor(fleet: Fleet, history: RegisterHistory, expiring: RegisterHistory, options: ChaosOptions, chance: Chance) {
    this.#fleet = fleet
    this.#options = options
    this.#asker = new RegisterAsker(history)
    this.#expiring = new RegisterAsker(expiring)
    const clients = Math.ceil(options.clients * CLIENTS_SHARE)
    this.#loops = Array.from({ length: clients }, () => this.#run(chance.fork()))
  }

  /** Nothing is begun any more; resolves when all is answered. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#loops)
  }

  async #run(chance: Chance): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#act(chance)
      await delay(chance.below(PAUSE_MS))
    }
  }

  async #act(chance: Chance): Promise<void> {
    const key = this.#key(chance)
    const roll = chance.number()
    if (roll < 0.04) return this.#expire(chance)
    if (roll < 0.2) return this.#write('put', key, undefined, chance)
    if (roll < 0.5) return this.#compareAndSet(key, chance)
    if (roll < 0.58) return this.#write('put', key, chance.pick(['absent', 'live'] as const), chance)
    if (roll < 0.64) return this.#write('delete', key, chance.happens(0.5) ? undefined : this.#versions.get(key), chance)
    await this.#read(key, chance)
  }

  async #compareAndSet(key: string, chance: Chance): Promise<void> {
    const { answer } = await this.#read(key, chance)
    if (answer.kind === 'found') return this.#write('put', key, answer.version, chance)
    if (answer.kind === 'absent') await this.#write('put', key, 'absent', chance)
  }

  async #read(key: string, chance: Chance): Promise<RegisterOperation> {
    const consistency = chance.happens(0.15) ? 'local' : 'linearizable'
    const operation = await this.#asker.get(key, this.#fleet.somebody(chance), consistency, chance.pick(TIMEOUTS_MS))
    this.#note(operation)
    if (operation.answer.kind === 'unknown') await delay(REFUSED_MS)
    return operation
  }

  /** A write, and while it is in doubt the same write again, at any peer; sometimes at two at once. */
  async #write(kind: WriteInit['kind'], key: string, when: WriteInit['when'], chance: Chance): Promise<void> {
    this.#last += 1
    const writeId = chance.happens(0.7) ? `write-${this.#last}` : undefined
    const known = this.#versions.get(key)
    const after = writeId !== undefined && chance.happens(0.8) ? known : undefined
    const init = {
      kind,
      key,
      value: kind === 'put' ? `${key} ${this.#last}` : '',
      when,
      writeId,
      after,
      timeoutMs: chance.pick(TIMEOUTS_MS),
    }
    for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
      const isDouble = writeId !== undefined && after !== undefined && chance.happens(RARELY)
      const double = isDouble ? this.#asker.write({ ...init, peer: this.#fleet.somebody(chance) }) : undefined
      const operation = await this.#asker.write({ ...init, peer: this.#fleet.somebody(chance) })
      this.#note(operation)
      const twin = (await double)?.answer.kind
      const { kind: end } = operation.answer
      if (end === 'refused') return delay(REFUSED_MS)
      // Without the version of its first try a retry is safe for a short time only, so it is not made.
      if (twin !== undefined && twin !== 'in-doubt' && twin !== 'refused') return
      if (end !== 'in-doubt' || after === undefined || chance.happens(RARELY) || this.#stopping.signal.aborted) return
      await delay(chance.below(PAUSE_MS * (attempt + 1)))
    }
  }

  async #expire(chance: Chance): Promise<void> {
    this.#last += 1
    const key = `${EXPIRING}${this.#last}`
    const timeoutMs = chance.pick(TIMEOUTS_MS)
    const ttlSeconds = chance.between(1, TTL_SECONDS_MAX)
    const common = { kind: 'put', key, value: `${ttlSeconds}`, when: undefined, writeId: key, after: 0, timeoutMs } as const
    await this.#expiring.write({ ...common, ttlSeconds, peer: this.#fleet.somebody(chance) })
    await delay(chance.below(ttlSeconds * 1_000))
    await this.#expiring.get(key, this.#fleet.somebody(chance), 'linearizable', timeoutMs)
  }

  #note({ key, answer }: RegisterOperation): void {
    const shown = answer.kind === 'applied' || answer.kind === 'found' ? answer.version : answer.kind === 'mismatch' ? answer.current : 0
    if (shown > (this.#versions.get(key) ?? 0)) this.#versions.set(key, shown)
  }

  #key(chance: Chance): string {
    if (chance.happens(0.35)) return `lasting/${chance.below(LASTING)}`
    return `hot/${Math.floor(performance.now() / CONTEND_MS)}/${chance.below(this.#options.contendedKeys)}`
  }
}
