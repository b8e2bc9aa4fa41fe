/**
 * Clients that write and read all the time, and try again at another peer where one fails them, as
 * anybody's should. They speak HTTP by themselves on purpose: the history that is judged afterwards
 * holds each single try, which the client library does not tell.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Asker } from '../../test/chaos/asking.ts'
import { etagOf } from '../../test/chaos/history.ts'
import type { History } from '../../test/chaos/history.ts'
import type { PeerProcess } from '../../test/process/network.ts'

const TIMEOUT_MS = 3_000
/**
 * Between the answer and the next request of a client: the load is steady, and leaves the machine
 * to the steps.
 */
const PAUSE_MS = 20
/** A put that is not stored by then has failed. */
const TRIES_MAX = 20
/** Before the third try and each after it. */
const RETRY_MS = 20
const READ_EVERY = 4
const RECENT_MAX = 100
const CONTENT_TYPE = 'text/plain'

/** Who can be asked; it changes while clients ask. */
export interface Reachable {
  readonly members: readonly PeerProcess[]
}

/** What clients saw in a span of time. */
export interface Seen {
  readonly seconds: number
  readonly puts: number
  /** The longest time in which no put of any client succeeded. */
  readonly longestGapMs: number
  /** The longest that one put took, its tries at other peers included. */
  readonly longestPutMs: number
  readonly retried: number
  readonly failed: number
}

interface Ended {
  readonly atMs: number
  readonly tookMs: number
  readonly tries: number
  readonly isStored: boolean
}

export class Clients {
  /** The etag of what was acknowledged, by key. */
  readonly acknowledged: Map<string, string> = new Map()
  /** Answers that no client may get. */
  readonly faults: string[] = []
  readonly #reachable: Reachable
  readonly #asker: Asker
  readonly #ended: Ended[] = []
  readonly #recent: string[] = []
  readonly #loops: Promise<void>[]
  #isStopping = false

  constructor(reachable: Reachable, history: History, count: number) {
    this.#reachable = reachable
    this.#asker = new Asker(history)
    this.#loops = Array.from({ length: count }, (_, client) => this.#run(client))
  }

  /** Nothing is begun any more; resolves when all is answered. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all(this.#loops)
  }

  between(fromMs: number, toMs: number): Seen {
    const ended = this.#ended.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs)
    const stored = ended.filter(({ isStored }) => isStored)
    const marks = [fromMs, ...stored.map(({ atMs }) => atMs), toMs]
    const gaps = marks.slice(1).map((mark, index) => mark - (marks[index] ?? mark))
    return {
      seconds: (toMs - fromMs) / 1_000,
      puts: stored.length,
      longestGapMs: Math.max(...gaps),
      longestPutMs: Math.max(0, ...stored.map(({ tookMs }) => tookMs)),
      retried: ended.filter(({ tries }) => tries > 1).length,
      failed: ended.length - stored.length,
    }
  }

  async #run(client: number): Promise<void> {
    let home = client
    for (let number = 1; !this.#isStopping; number += 1) {
      home = await this.#put(`client-${client}/${number}`, home)
      if (number % READ_EVERY === 0) await this.#read(home)
      await delay(PAUSE_MS)
    }
  }

  /** @param home which peer is asked first @returns which peer is to be asked first from now on */
  async #put(key: string, home: number): Promise<number> {
    const value = Buffer.from(`value of ${key}`)
    const beganMs = performance.now()
    let asked = home
    for (let tries = 1; ; tries += 1) {
      const { kind } = await this.#asker.put({ key, peer: this.#peer(asked), value, writeId: key, timeoutMs: TIMEOUT_MS })
      const isStored = kind === 'created' || kind === 'stored-before'
      const isOdd = kind === 'conflict' || kind === 'reused' || kind === 'not-stored'
      if (isOdd) this.faults.push(`${key} was put by one client alone, and the answer was ${kind}`)
      if (isStored || isOdd || tries === TRIES_MAX || this.#isStopping) {
        const atMs = performance.now()
        if (isStored) this.acknowledged.set(key, etagOf(CONTENT_TYPE, value))
        if (isStored || !this.#isStopping) this.#ended.push({ atMs, tookMs: atMs - beganMs, tries, isStored })
        if (isStored) this.#remember(key)
        return asked
      }
      asked += 1
      if (tries > 1) await delay(RETRY_MS)
    }
  }

  /** Of something that is stored: by one peer's own copy, and by a quorum. */
  async #read(home: number): Promise<void> {
    const key = this.#recent[home % Math.max(1, this.#recent.length)]
    if (key === undefined) return
    for (const consistency of ['local', 'linearizable'] as const)
      await this.#asker.get({ key, peer: this.#peer(home + 1), consistency, waitMs: 0, timeoutMs: TIMEOUT_MS })
  }

  #remember(key: string): void {
    this.#recent.push(key)
    if (this.#recent.length > RECENT_MAX) this.#recent.shift()
  }

  #peer(turn: number): { readonly name: string; readonly process: PeerProcess } {
    const { members } = this.#reachable
    const process = members[turn % members.length] as PeerProcess
    return { name: process.name, process }
  }
}
