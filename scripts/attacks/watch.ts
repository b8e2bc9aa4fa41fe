/**
 * What must hold of every peer under every attack: it runs, answers at once, stays small, is not
 * missed by the others, and takes puts. Looked at from outside, as a client and as the system see
 * it.
 */
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { ownMib } from '../usage.ts'
import type { PeerProcess } from '../../test/process/network.ts'

const PROBE_EACH_MS = 50
const MEMORY_EACH_MS = 100
const ROSTER_EACH_MS = 500
/** A light load: each peer in turn. */
const PUT_EACH_MS = 60
/** A probe that is not answered by then is given up, and has shown enough. */
const PROBE_MS = 30_000
const PUT_MS = 30_000
/** Between looks at how late timers are here. */
const OWN_EACH_MS = 10
const NANOSECONDS_PER_MS = 1_000_000
const BYTES_PER_MIB = 1_048_576

/** What was seen of one peer. */
export interface Seen {
  /**
   * Of the stays of its answers to `/healthz`, the longest that the machine was not to blame for.
   */
  stallMs: number
  mostBytes: number
  /** Answers to `/healthz` that were no 200, by what they were. */
  readonly unhealthy: Map<string, number>
  /** Others that it took for gone. */
  readonly missed: Set<string>
}

export interface Watched {
  readonly peers: readonly Seen[]
  /** Answers to puts, by status or by the error that came instead. */
  readonly puts: ReadonlyMap<string, number>
}

export class Watch {
  readonly #peers: readonly PeerProcess[]
  readonly #seen: readonly Seen[]
  readonly #processIds: readonly number[]
  readonly #puts = new Map<string, number>()
  readonly #prefix = `load-${process.hrtime.bigint()}`
  readonly #timers: NodeJS.Timeout[] = []
  readonly #underWay = new Set<Promise<unknown>>()
  #putCount = 0
  #isOver = false
  /** How late our own timers were until now, all together. */
  #lateMs = 0

  private constructor(peers: readonly PeerProcess[]) {
    this.#peers = peers
    this.#processIds = peers.map(({ processId }) => processId)
    this.#seen = peers.map(() => ({ stallMs: 0, mostBytes: 0, unhealthy: new Map(), missed: new Set() }))
  }

  static begin(peers: readonly PeerProcess[]): Watch {
    const watch = new Watch(peers)
    watch.#measureOwn()
    for (const index of peers.keys()) void watch.#probe(index)
    watch.#each(MEMORY_EACH_MS, () => watch.#measureMemory())
    watch.#each(ROSTER_EACH_MS, () => watch.#askRosters())
    watch.#each(PUT_EACH_MS, () => watch.#put())
    return watch
  }

  /** Waits for what is still being asked; no longer than the longest of it may take. */
  async end(): Promise<Watched> {
    this.#isOver = true
    for (const timer of this.#timers) clearInterval(timer)
    await Promise.all(this.#underWay)
    return { peers: this.#seen, puts: this.#puts }
  }

  #each(everyMs: number, look: () => void): void {
    this.#timers.push(setInterval(look, everyMs))
  }

  #measureOwn(): void {
    let lastMs = performance.now()
    this.#each(OWN_EACH_MS, () => {
      const nowMs = performance.now()
      this.#lateMs += Math.max(0, nowMs - lastMs - OWN_EACH_MS)
      lastMs = nowMs
    })
  }

  async #probe(index: number): Promise<void> {
    const seen = this.#seen[index]
    const peer = this.#peers[index]
    const processId = this.#processIds[index] ?? 0
    if (seen === undefined || peer === undefined) return
    while (!this.#isOver && peer.isRunning) {
      const startedMs = performance.now()
      const before = { waitedMs: machineWaitedMs(processId), lateMs: this.#lateMs }
      const outcome = await this.#track(ask(peer.httpPort, 'GET', '/healthz', PROBE_MS))
      // Both wait for the same processors, and mostly at the same time.
      const machineMs = Math.max(machineWaitedMs(processId) - before.waitedMs, this.#lateMs - before.lateMs)
      seen.stallMs = Math.max(seen.stallMs, performance.now() - startedMs - machineMs)
      if (outcome !== '200' && peer.isRunning) count(seen.unhealthy, outcome)
      await new Promise((resolve) => setTimeout(resolve, PROBE_EACH_MS))
    }
  }

  #measureMemory(): void {
    for (const [index, processId] of this.#processIds.entries()) {
      const seen = this.#seen[index]
      if (seen === undefined || this.#peers[index]?.isRunning !== true) continue
      try {
        const bytes = ownMib(processId) * BYTES_PER_MIB
        if (bytes > seen.mostBytes) seen.mostBytes = bytes
      } catch {
        // It has ended meanwhile; that is looked at elsewhere.
      }
    }
  }

  #askRosters(): void {
    const ids = this.#peers.map(({ peerId }) => peerId)
    for (const [index, peer] of this.#peers.entries()) {
      if (!peer.isRunning) continue
      const asked = peer.client
        .peers()
        .then((views) => {
          for (const id of ids) if (views.find((view) => view.id === id)?.state === 'gone') this.#seen[index]?.missed.add(id)
        })
        .catch(() => {})
      void this.#track(asked)
    }
  }

  #put(): void {
    this.#putCount += 1
    const peer = this.#peers[this.#putCount % this.#peers.length]
    if (peer?.isRunning !== true) return
    const path = `/store/${this.#prefix}/${this.#putCount}`
    void this.#track(ask(peer.httpPort, 'PUT', path, PUT_MS, 'a light load')).then((outcome) => count(this.#puts, outcome))
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work)
    try {
      return await work
    } finally {
      this.#underWay.delete(work)
    }
  }
}

export function count(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1)
}

/** The status of an answer on a connection of its own, or the code of what came instead. */
function ask(port: number, method: string, path: string, timeoutMs: number, body?: string): Promise<string> {
  return new Promise((resolve) => {
    const headers = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }
    const asking = request({ host: '127.0.0.1', port, method, path, headers, agent: false, timeout: timeoutMs }, (response) => {
      response.resume()
      response.on('close', () => resolve(String(response.statusCode)))
    })
    asking.on('timeout', () => asking.destroy(new Error('no answer')))
    asking.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    asking.end(body)
  })
}

/**
 * How long the main thread of a process was ready to run and had no processor, since it began; 0
 * where the system does not say.
 */
export function machineWaitedMs(processId: number): number {
  try {
    const [, waited] = readFileSync(`/proc/${processId}/task/${processId}/schedstat`, 'utf8').split(' ')
    return Number(waited) / NANOSECONDS_PER_MS
  } catch {
    return 0
  }
}
