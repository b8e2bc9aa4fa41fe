/**
 * Clients of a log that append all the time, each command under a name, and try again at another
 * peer where one fails them.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { LogAsker } from '../../test/chaos/logs/asking.ts'
import type { LogKind } from '../../test/chaos/logs/dialects.ts'
import type { LogHistory } from '../../test/chaos/logs/history.ts'
import type { PeerProcess } from '../../test/process/network.ts'

const TIMEOUT_MS = 3_000
const PAUSE_MS = 10
/** A command that is not done by then has failed. */
const TRIES_MAX = 20
/** Before the third try and each after it. */
const RETRY_MS = 20
/** Lists, so that each stays short enough for a search. */
const ITEMS_PER_LIST = 60
const READ_EVERY = 4

/** What clients saw in a span of time. */
export interface SeenOfLog {
  readonly commands: number
  /** The longest time in which no command of any client was done. */
  readonly longestGapMs: number
  readonly slowestMs: number
  /** Commands by how often they were sent. */
  readonly byTries: ReadonlyMap<number, number>
  readonly failed: number
}

interface Ended {
  readonly atMs: number
  readonly tookMs: number
  readonly tries: number
  readonly isDone: boolean
}

export class LogClients {
  readonly #peers: readonly PeerProcess[]
  readonly #kind: LogKind
  readonly #asker: LogAsker
  readonly #ended: Ended[] = []
  readonly #loops: Promise<void>[]
  #isStopping = false

  constructor(peers: readonly PeerProcess[], kind: LogKind, history: LogHistory, count: number) {
    this.#peers = peers
    this.#kind = kind
    this.#asker = new LogAsker(history)
    this.#loops = Array.from({ length: count }, (_, client) => this.#run(client))
  }

  /** Nothing is begun any more; resolves when all is answered. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all(this.#loops)
  }

  between(fromMs: number, toMs: number): SeenOfLog {
    const ended = this.#ended.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs)
    const done = ended.filter(({ isDone }) => isDone)
    const marks = [fromMs, ...done.map(({ atMs }) => atMs), toMs]
    const byTries = new Map<number, number>()
    for (const { tries } of done) byTries.set(tries, (byTries.get(tries) ?? 0) + 1)
    return {
      commands: done.length,
      longestGapMs: Math.max(...marks.slice(1).map((mark, index) => mark - (marks[index] ?? mark))),
      slowestMs: Math.max(0, ...done.map(({ tookMs }) => tookMs)),
      byTries,
      failed: ended.length - done.length,
    }
  }

  async #run(client: number): Promise<void> {
    let home = client
    for (let number = 1; !this.#isStopping; number += 1) {
      const list = `c${client}/${Math.floor(number / ITEMS_PER_LIST)}`
      home = await this.#append(list, `${client}-${number}`, home)
      if (number % READ_EVERY === 0)
        await this.#asker.read({ kind: this.#kind, list, peer: this.#peer(home), timeoutMs: TIMEOUT_MS }, 'linearizable')
      await delay(PAUSE_MS)
    }
  }

  /** @param home which peer is asked first @returns which peer is to be asked first from now on */
  async #append(list: string, item: string, home: number): Promise<number> {
    const beganMs = performance.now()
    const since = this.#asker.since(this.#kind)
    for (let tries = 1; ; tries += 1) {
      const asked = home + tries - 1
      const init = { kind: this.#kind, list, item, submitId: item, since, timeoutMs: TIMEOUT_MS }
      const { operation } = await this.#asker.append({ ...init, peer: this.#peer(asked) })
      const isDone = operation.answer.kind === 'done'
      if (isDone || tries === TRIES_MAX || this.#isStopping) {
        const atMs = performance.now()
        if (isDone || !this.#isStopping) this.#ended.push({ atMs, tookMs: atMs - beganMs, tries, isDone })
        return asked
      }
      if (tries > 1) await delay(RETRY_MS)
    }
  }

  #peer(turn: number): { readonly name: string; readonly process: PeerProcess } {
    const process = this.#peers[turn % this.#peers.length] as PeerProcess
    return { name: process.name, process }
  }
}
