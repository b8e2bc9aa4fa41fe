/**
 * Watches of registers at one peer of three, while the others take writes: what its memory comes
 * to, how late changes are told, that nobody who reads misses the last version of anything, and
 * what becomes of those who do not read.
 */
import { Agent, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { Network, until } from '../../test/process/network.ts'
import type { PeerProcess } from '../../test/process/network.ts'
import { percentileOfSorted } from '../statistics.ts'
import { ownMib } from '../usage.ts'
import { VALUE } from './contender.ts'
import { PROGRAM } from './replicator.ts'
import { figure } from './table.ts'
import type { Table } from './table.ts'

const WATCHES = 1_000
const WRITES_PER_SECOND = 1_000
/** Writes begin together each so many milliseconds. */
const BEAT_MS = 10
const LOOK_MS = 250
/** What was written last is told by then. */
const TOLD_MS = 20_000
/** What a peer has to end a watch that nobody reads, and to cut its connection. */
const DROPPED_MS = 60_000
const PROXY = '127.0.0.1'

/** Who watches in one run. */
interface Scene {
  readonly name: string
  /** Watches that are read, each of a prefix of its own. */
  readonly read: number
  /** Watches of everything, values too, that nobody reads. */
  readonly unread: number
}

const SCENES: readonly Scene[] = [
  { name: 'all are read', read: WATCHES, unread: 0 },
  { name: 'one in ten is not read', read: WATCHES * 0.9, unread: WATCHES * 0.1 },
]

export async function measureWatches(seconds: number, signal: AbortSignal, say: (text: string) => void): Promise<Table> {
  const network = await Network.create(false)
  signal.addEventListener('abort', () => void network.close(), { once: true })
  try {
    // A client has a quarter of what a peer lets wait: these are as many clients, behind a proxy.
    await network.grow('cluster-1', 3, { main: PROGRAM, flags: ['-http-proxy', `${PROXY}/32`] })
    await network.settled()
    const runs: Run[] = []
    for (const scene of SCENES) {
      say(`${scene.read} watches that are read, ${scene.unread} that are not, ${WRITES_PER_SECOND} writes a second for ${seconds} s`)
      runs.push(await play(network.peers, scene, seconds))
    }
    return tableOf(runs, seconds)
  } finally {
    await network.close()
  }
}

interface Run {
  readonly scene: Scene
  readonly writesPerSecond: number
  readonly refusedWrites: number
  readonly eventsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Watches that were ended while they were read; they go on from their cursor. */
  readonly endedReaders: number
  readonly beforeMib: number
  readonly mostMib: number
  readonly afterMib: number
  /** Of those that were not read: told that they are ended, or cut. */
  readonly told: number
  readonly cut: number
}

async function play(peers: readonly PeerProcess[], scene: Scene, seconds: number): Promise<Run> {
  const [watched, ...others] = peers
  if (watched === undefined) throw new RangeError('no peers')
  const agent = new Agent({ keepAlive: true, maxSockets: 512 })
  const beforeMib = ownMib(watched.processId)
  const seen = new Seen()
  const readers = await Promise.all(Array.from({ length: scene.read }, (_, index) => Reader.open(watched, index, seen)))
  const unread = await Promise.all(
    Array.from({ length: scene.unread }, (_, index) => openWatch(watched, scene.read + index, '&values=true')),
  )
  let mostMib = beforeMib
  const looking = setInterval(() => (mostMib = Math.max(mostMib, ownMib(watched.processId))), LOOK_MS)
  const startedMs = performance.now()
  const writes = await writeAll(others, scene.read, seconds, agent, seen)
  const elapsedSeconds = (performance.now() - startedMs) / 1_000
  await until('every watch that is read has told the last version', () => readers.every((reader) => reader.isComplete), TOLD_MS)
  const events = seen.events
  const ends = await Promise.all(unread.map(endOf))
  for (const reader of readers) reader.close()
  agent.destroy()
  await delay(1_000)
  clearInterval(looking)
  const sorted = Float64Array.from(seen.delaysMs).sort()
  return {
    scene,
    writesPerSecond: writes.done / elapsedSeconds,
    refusedWrites: writes.refused,
    eventsPerSecond: events / elapsedSeconds,
    p50Ms: percentileOfSorted(sorted, 50),
    p99Ms: percentileOfSorted(sorted, 99),
    endedReaders: readers.reduce((sum, { ended }) => sum + ended, 0),
    beforeMib,
    mostMib,
    afterMib: ownMib(watched.processId),
    told: ends.filter((end) => end === 'told').length,
    cut: ends.filter((end) => end === 'cut').length,
  }
}

/** What was written, and when it was told. */
class Seen {
  /** When the write of a version began, by key and version. */
  readonly beganMs = new Map<string, number>()
  /** The last version of each key that was answered. */
  readonly last = new Map<string, number>()
  readonly delaysMs: number[] = []
  events = 0
}

/** One watch that is read; ended, it goes on from its cursor. */
class Reader {
  readonly #peer: PeerProcess
  readonly #index: number
  readonly #seen: Seen
  #response: IncomingMessage | undefined
  #cursor = ''
  #version = 0
  #isClosed = false
  ended = 0

  private constructor(peer: PeerProcess, index: number, seen: Seen) {
    this.#peer = peer
    this.#index = index
    this.#seen = seen
  }

  static async open(peer: PeerProcess, index: number, seen: Seen): Promise<Reader> {
    const reader = new Reader(peer, index, seen)
    await reader.#open()
    return reader
  }

  get isComplete(): boolean {
    return this.#version >= (this.#seen.last.get(keyOf(this.#index)) ?? 0)
  }

  close(): void {
    this.#isClosed = true
    this.#response?.destroy()
  }

  async #open(): Promise<void> {
    const from = this.#cursor === '' ? '' : `&cursor=${this.#cursor}`
    const response = await openWatch(this.#peer, this.#index, `&prefix=${keyOf(this.#index)}${from}`)
    this.#response = response
    let rest = ''
    response.setEncoding('utf8').on('data', (text: string) => {
      const blocks = (rest + text).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) this.#told(block)
    })
    response.on('error', () => undefined)
    response.on('close', () => {
      if (this.#isClosed) return
      this.ended += 1
      void this.#open()
    })
  }

  #told(block: string): void {
    this.#cursor = /^id: (.*)$/m.exec(block)?.[1] ?? this.#cursor
    const version = Number(/"version":(\d+)/.exec(block)?.[1] ?? 0)
    if (version > 0) this.#seen.events += 1
    const beganMs = this.#seen.beganMs.get(`${keyOf(this.#index)} ${version}`)
    if (beganMs !== undefined) this.#seen.delaysMs.push(performance.now() - beganMs)
    this.#version = Math.max(this.#version, version)
  }
}

/** Resolves when the watch has begun. Each has an address of its own, as behind a proxy. */
function openWatch(peer: PeerProcess, index: number, query: string): Promise<IncomingMessage> {
  const headers = { 'X-Forwarded-For': `10.0.${Math.floor(index / 200)}.${(index % 200) + 1}` }
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: PROXY, port: peer.httpPort, path: `/kv?watch${query}`, agent: false, headers }, (response) => {
      if (response.statusCode === 200) resolve(response)
      else reject(new Error(`a watch was answered ${response.statusCode}`))
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

/** Reads at last what was not read: it ends with the event that says so, or was cut before. */
async function endOf(response: IncomingMessage): Promise<'told' | 'cut' | 'goes on'> {
  let tail = ''
  const ended = Promise.withResolvers<void>()
  response.setEncoding('utf8').on('data', (text: string) => (tail = (tail + text).slice(-200)))
  response.on('error', () => ended.resolve())
  response.on('close', () => ended.resolve())
  await Promise.race([ended.promise, delay(DROPPED_MS, undefined, { ref: false })])
  const isOver = response.destroyed || response.complete
  response.destroy()
  if (tail.includes('event: watch-ended') || tail.includes('event: cursor-gone')) return 'told'
  return isOver ? 'cut' : 'goes on'
}

async function writeAll(
  peers: readonly PeerProcess[],
  registers: number,
  seconds: number,
  agent: Agent,
  seen: Seen,
): Promise<{ done: number; refused: number }> {
  const counts = { done: 0, refused: 0 }
  const startedMs = performance.now()
  let begun = 0
  const writes = new Set<Promise<void>>()
  while (performance.now() < startedMs + seconds * 1_000) {
    const due = ((performance.now() - startedMs) / 1_000) * WRITES_PER_SECOND
    for (; begun < due; begun += 1) {
      const writing = write(peers[begun % peers.length] as PeerProcess, keyOf(begun % registers), agent, seen).then(
        () => void (counts.done += 1),
        () => void (counts.refused += 1),
      )
      writes.add(writing)
      void writing.finally(() => writes.delete(writing))
    }
    await delay(BEAT_MS)
  }
  await Promise.all(writes)
  return counts
}

async function write(peer: PeerProcess, key: string, agent: Agent, seen: Seen): Promise<void> {
  const beganMs = performance.now()
  const version = await new Promise<number>((resolve, reject) => {
    const headers = { 'Content-Length': VALUE.length }
    const outgoing = request({ host: PROXY, port: peer.httpPort, path: `/kv/${key}`, method: 'PUT', agent, headers }, (response) => {
      response.resume()
      const told = Number(response.headers.etag?.slice(1, -1))
      response.on('end', () => (Number.isNaN(told) ? reject(new Error(`status ${response.statusCode}`)) : resolve(told)))
      response.on('error', reject)
    })
    outgoing.on('error', reject)
    outgoing.end(VALUE)
  })
  seen.beganMs.set(`${key} ${version}`, beganMs)
  seen.last.set(key, Math.max(seen.last.get(key) ?? 0, version))
}

function keyOf(index: number): string {
  return `w${String(index).padStart(4, '0')}/register`
}

function tableOf(runs: readonly Run[], seconds: number): Table {
  return {
    title: `${WATCHES} watches at one peer, ${WRITES_PER_SECOND} writes a second at the two others`,
    note: `${seconds} s each. A delay is from the begin of a write to its event, where the event came after the answer. Memory of the watched peer alone, in MiB of its own.`,
    columns: [
      '',
      'writes/s',
      'refused',
      'events/s',
      'delay p50 ms',
      'p99 ms',
      'readers ended',
      'own MiB before',
      'most',
      'after',
      'unread: told',
      'cut',
    ],
    rows: runs.map((run) => [
      run.scene.name,
      figure(run.writesPerSecond),
      String(run.refusedWrites),
      figure(run.eventsPerSecond),
      figure(run.p50Ms),
      figure(run.p99Ms),
      String(run.endedReaders),
      figure(run.beforeMib),
      figure(run.mostMib),
      figure(run.afterMib),
      String(run.told),
      String(run.cut),
    ]),
    raw: runs,
  }
}
