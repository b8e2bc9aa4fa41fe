/**
 * Clients that append to lists of logs and read them whole, at all peers, all through a chaos run.
 * Some lists are written for a short time, so that their histories stay short enough to be searched.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Chance } from '../../simulation/chance.ts'
import type { Fleet } from '../fleet.ts'
import type { ChaosOptions } from '../options.ts'
import { LogAsker } from './asking.ts'
import type { LogKind } from './dialects.ts'
import type { LogHistory } from './history.ts'

/** How long a list is written. */
const WRITTEN_MS = 3_000
const TIMEOUTS_MS = [300, 1_000, 3_000] as const
/** Tries of an append in doubt before it is left there. */
const TRIES_MAX = 5
const PAUSE_MS = 40
const REFUSED_MS = 100
const CLIENTS_PER_LOG = 3
const RARELY = 0.1

export class LogWorkload {
  readonly #fleet: Fleet
  readonly #options: ChaosOptions
  readonly #asker: LogAsker
  readonly #loops: Promise<void>[]
  readonly #stopping = new AbortController()
  #last = 0

  constructor(fleet: Fleet, history: LogHistory, options: ChaosOptions, chance: Chance) {
    this.#fleet = fleet
    this.#options = options
    this.#asker = new LogAsker(history)
    this.#loops = options.logs.flatMap((kind) => Array.from({ length: CLIENTS_PER_LOG }, () => this.#run(kind, chance.fork())))
  }

  /** Nothing is begun any more; resolves when all is answered. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#loops)
  }

  async #run(kind: LogKind, chance: Chance): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const list = `hot/${Math.floor(performance.now() / WRITTEN_MS)}/${chance.below(this.#options.contendedKeys)}`
      await (chance.happens(0.55) ? this.#append(kind, list, chance) : this.#read(kind, list, chance))
      await delay(chance.below(PAUSE_MS))
    }
  }

  /** An append, and while it is in doubt the same again, at any peer; sometimes at two at once. */
  async #append(kind: LogKind, list: string, chance: Chance): Promise<void> {
    this.#last += 1
    const item = `i${this.#last}`
    const timeoutMs = chance.pick(TIMEOUTS_MS)
    // Without a position from before its first try a retry is safe for a short time only.
    const since = this.#asker.since(kind)
    let submitId = chance.happens(0.6) && since !== undefined ? `name-${this.#last}` : undefined
    for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
      const init = { kind, list, item, submitId, since, timeoutMs }
      const isDouble = submitId !== undefined && chance.happens(RARELY)
      const double = isDouble ? this.#asker.append({ ...init, peer: this.#fleet.somebody(chance) }) : undefined
      const tried = await this.#asker.append({ ...init, peer: this.#fleet.somebody(chance) })
      await double
      const { kind: end } = tried.operation.answer
      if (end === 'done' && chance.happens(RARELY)) return this.#readBehind(kind, list, tried.operation.answer, chance)
      if (end === 'refused' || end === 'not-ordered') return delay(REFUSED_MS)
      if (end !== 'in-doubt' || tried.submitId === undefined || since === undefined || this.#stopping.signal.aborted) return
      if (chance.happens(RARELY)) return
      submitId = tried.submitId
      await delay(chance.below(PAUSE_MS * (attempt + 1)))
    }
  }

  /** Whoever appended asks any peer for what is at least as new. */
  async #readBehind(kind: LogKind, list: string, answer: object, chance: Chance): Promise<void> {
    if (!('index' in answer)) return
    await this.#asker.read({ kind, list, peer: this.#fleet.somebody(chance), timeoutMs: chance.pick(TIMEOUTS_MS) }, answer.index as number)
  }

  async #read(kind: LogKind, list: string, chance: Chance): Promise<void> {
    const consistency = chance.happens(0.15) ? 'local' : 'linearizable'
    const { answer } = await this.#asker.read(
      { kind, list, peer: this.#fleet.somebody(chance), timeoutMs: chance.pick(TIMEOUTS_MS) },
      consistency,
    )
    if (answer.kind === 'unknown') await delay(REFUSED_MS)
  }
}
