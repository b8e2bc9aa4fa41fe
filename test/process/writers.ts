/** Clients that write without a pause, and remember what they were told. */
import assert from 'node:assert/strict'
import { problemOf } from './client.ts'
import type { PeerProcess } from './network.ts'

/** The longest there is: a put that takes long on a busy machine has not failed. */
const PATIENCE_MS = 60_000
/** A client that was refused, or whose peer is gone, tries again after this. */
const RETRY_MS = 20

export interface Success {
  readonly peer: PeerProcess
  readonly key: string
  readonly begunAtMs: number
  readonly atMs: number
}

/**
 * Each puts keys of its own, one after another, at one peer, until it is stopped or its process has
 * ended.
 */
export class Writers {
  /** Acknowledged: every one of these keys must be found, with its own name as its value. */
  readonly successes: Success[] = []
  /** Certainly not stored, by their answer: none of these keys may be found. */
  readonly notStored: string[] = []
  /** Answers that were neither, by status and problem. */
  readonly refusals: Map<string, number> = new Map()
  readonly #loops: Promise<void>[]
  readonly #query: string
  #isStopping = false
  #last = 0

  /** @param timeoutMs of each put */
  constructor(peers: readonly PeerProcess[], clientsAtEach = 2, timeoutMs: number = PATIENCE_MS, prefix = 'w') {
    this.#query = `?timeout=${timeoutMs}`
    this.#loops = peers.flatMap((peer) => Array.from({ length: clientsAtEach }, () => this.#run(peer, prefix)))
  }

  /** No put is begun any more; resolves when all have ended. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all(this.#loops)
  }

  /** The longest time, from one moment to another, in which no put at the peer succeeded. */
  longestGapMs(peer: PeerProcess, fromMs: number, toMs: number): number {
    const times = this.successes.filter((success) => success.peer === peer && success.atMs > fromMs && success.atMs < toMs)
    const marks = [fromMs, ...times.map(({ atMs }) => atMs), toMs]
    return Math.max(...marks.slice(1).map((mark, index) => mark - (marks[index] ?? mark)))
  }

  async #run(peer: PeerProcess, prefix: string): Promise<void> {
    while (!this.#isStopping && peer.isRunning) {
      this.#last += 1
      const key = `${prefix}/${peer.name}/${this.#last}`
      const outcome = await this.#put(peer, key)
      if (outcome === undefined) continue
      this.refusals.set(outcome, (this.refusals.get(outcome) ?? 0) + 1)
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
  }

  /** @returns what came instead of a success */
  async #put(peer: PeerProcess, key: string): Promise<string | undefined> {
    const begunAtMs = performance.now()
    try {
      const reply = await peer.client.put(key, key, { query: this.#query })
      if (reply.status === 201) {
        this.successes.push({ peer, key, begunAtMs, atMs: performance.now() })
        return undefined
      }
      const problem = problemOf(reply)
      if (problem === 'not-stored') this.notStored.push(key)
      return `${reply.status} ${problem}`
    } catch (error) {
      return (error as { code?: string }).code ?? String(error)
    }
  }
}

/** Every acknowledged key is at the peer, by its own copy, with its value. */
export async function assertHeld(peer: PeerProcess, successes: readonly Success[]): Promise<void> {
  const held = await peer.client.keys()
  const lost = successes.filter(({ key }) => !held.has(key))
  assert.equal(lost.length, 0, `${peer.name} lacks ${lost.length} of ${successes.length} acknowledged keys, among them ${lost[0]?.key}`)
  const checks = successes.map(({ key }) => key)
  const reader = async (): Promise<void> => {
    for (let key = checks.pop(); key !== undefined; key = checks.pop()) {
      const reply = await peer.client.local(key)
      assert.deepEqual([reply.status, reply.body.toString()], [200, key], `${key} at ${peer.name}`)
    }
  }
  await Promise.all([reader(), reader(), reader(), reader()])
}
