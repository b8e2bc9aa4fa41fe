/**
 * A network of many peers on this machine, and what is measured of it. Each step throws why it
 * could not be measured.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from '../../src/client/client.ts'
import { DemoPeer, until } from '../demo/peer-process.ts'
import { percentileOf } from '../statistics.ts'
import { ownMib, processorSeconds } from '../usage.ts'

/** How many load the program at one time. */
const STARTING_MAX = 4
const START_MS = 60_000
const READY_MS = 180_000
/** Between looks at `/peers` of everybody: it costs them time that is measured elsewhere. */
const LOOK_MS = 100
const NOTICE_MS = 30_000
const FIND_MS = 60_000
/** After the last configuration change, before a network counts as idle. */
const SETTLE_MS = 5_000
const ANSWER_MS = 10_000

/** Milliseconds after which the first, half, and all of the others had seen it. */
export interface SeenAfter {
  readonly firstMs: number
  readonly medianMs: number
  readonly lastMs: number
}

export interface Joined {
  /** From the first start to the last. */
  readonly startingMs: number
  /** From the last start until every peer was ready. */
  readonly readyMs: number
  /** From the last start until no configuration change was under way or to come. */
  readonly settledMs: number
  readonly voters: number
}

export interface Idle {
  /** Of one core, all peers together. */
  readonly cores: number
  readonly mostOfOne: number
  readonly medianMib: number
  readonly mostMib: number
}

interface PeerView {
  readonly id: string
  readonly state: string
  readonly addresses: readonly string[]
}

interface StatusView {
  readonly ready: boolean
  readonly changing: boolean
  readonly epoch: number
  readonly quorum: Readonly<Record<string, { readonly voters: number; readonly up: number }>>
}

export class Crowd {
  readonly #directory: string
  readonly #peers: DemoPeer[]
  readonly #signal: AbortSignal

  /**
   * `peers`: every peer is added there before anything is waited for, so that whoever ends the run
   * can end it.
   */
  constructor(directory: string, peers: DemoPeer[], signal: AbortSignal) {
    this.#directory = directory
    this.#peers = peers
    this.#signal = signal
  }

  async start(peerCount: number, clusterCount: number): Promise<Joined> {
    const startedMs = performance.now()
    const founder = this.#add(0, clusterCount, undefined)
    await this.#until('the first peer listens', START_MS, () => founder.isListening)
    for (let index = 1; index < peerCount; index += 1) {
      await this.#until('peers listen', START_MS, () => this.#peers.filter((peer) => !peer.isListening).length < STARTING_MAX)
      this.#add(index, clusterCount, founder.addresses[0])
    }
    const lastMs = performance.now()
    await this.#until('every peer is ready', READY_MS, () => this.#peers.every((peer) => peer.isReady))
    const readyMs = performance.now() - lastMs
    const status = await this.#settled()
    const voters = Object.values(status.quorum).reduce((sum, cluster) => sum + cluster.voters, 0)
    return { startingMs: lastMs - startedMs, readyMs, settledMs: performance.now() - SETTLE_MS - lastMs, voters }
  }

  async idle(seconds: number): Promise<Idle> {
    const before = this.#running().map(({ processId }) => processorSeconds([processId]))
    const startedMs = performance.now()
    await delay(seconds * 1_000, undefined, { signal: this.#signal })
    const elapsedSeconds = (performance.now() - startedMs) / 1_000
    const shares = this.#running().map(({ processId }, index) => (processorSeconds([processId]) - (before[index] ?? 0)) / elapsedSeconds)
    const memory = this.#running().map(({ processId }) => ownMib(processId))
    return {
      cores: shares.reduce((sum, share) => sum + share, 0),
      mostOfOne: Math.max(...shares),
      medianMib: percentileOf(memory, 50),
      mostMib: percentileOf(memory, 100),
    }
  }

  /** The last peer is stopped in its tracks, and let go on when all have noticed. */
  async pause(): Promise<{ readonly noticed: SeenAfter; readonly back: SeenAfter }> {
    const peer = this.#last()
    process.kill(peer.processId, 'SIGSTOP')
    const noticed = await this.#seen(peer, 'a paused peer is noticed', NOTICE_MS, (view) => view?.state !== 'alive').finally(() =>
      process.kill(peer.processId, 'SIGCONT'),
    )
    return { noticed, back: await this.#seen(peer, 'a peer that goes on is seen again', NOTICE_MS, (view) => view?.state === 'alive') }
  }

  /**
   * The peer that all joined through is killed for good, and another comes back at an address that
   * nobody knows.
   */
  async move(): Promise<SeenAfter> {
    this.#peers[0]?.kill()
    const peer = this.#last()
    await peer.stop()
    this.#peers.pop()
    const moved = peer.again()
    this.#peers.push(moved)
    await this.#until('the moved peer listens', START_MS, () => moved.isListening)
    return this.#seen(moved, 'a moved peer is found', FIND_MS, (view) => {
      return view?.state === 'alive' && view.addresses.some((address) => moved.addresses.includes(address))
    })
  }

  #add(index: number, clusterCount: number, joins: string | undefined): DemoPeer {
    const peer = new DemoPeer(this.#directory, `cluster-${1 + (index % clusterCount)}`, 1 + Math.floor(index / clusterCount), joins)
    this.#peers.push(peer)
    return peer
  }

  #last(): DemoPeer {
    const peer = this.#peers.at(-1)
    if (peer === undefined) throw new Error('there is no peer')
    return peer
  }

  #running(): DemoPeer[] {
    return this.#peers.filter((peer) => peer.ending === undefined)
  }

  /** Waits until nothing changed for a while: no joining peer, no change of the configuration. */
  async #settled(): Promise<StatusView> {
    let last: StatusView | undefined
    let sinceMs = performance.now()
    await this.#until('the configuration settles', READY_MS, async () => {
      const view = await ask<StatusView>(this.#last(), '/status')
      if (view.changing || !view.ready || view.epoch !== last?.epoch) sinceMs = performance.now()
      last = view
      return performance.now() - sinceMs > SETTLE_MS
    })
    if (last === undefined) throw new Error('no peer has told its state')
    return last
  }

  /** When each of the others came to see of a peer what is waited for. */
  async #seen(peer: DemoPeer, what: string, timeoutMs: number, isSeen: (view: PeerView | undefined) => boolean): Promise<SeenAfter> {
    const startedMs = performance.now()
    const afterMs = new Map<DemoPeer, number>()
    const others = this.#running().filter((other) => other !== peer)
    await this.#until(what, timeoutMs, async () => {
      const blind = others.filter((other) => !afterMs.has(other))
      const looks = blind.map(async (other) => {
        const views = await ask<readonly PeerView[]>(other, '/peers')
        if (isSeen(views.find(({ id }) => id === peer.peerId))) afterMs.set(other, performance.now() - startedMs)
      })
      await Promise.all(looks)
      if (afterMs.size === others.length) return true
      await delay(LOOK_MS)
      return false
    })
    const at = (share: number): number => percentileOf([...afterMs.values()], share)
    return { firstMs: at(0), medianMs: at(50), lastMs: at(100) }
  }

  async #until(what: string, timeoutMs: number, isTrue: () => boolean | Promise<boolean>): Promise<void> {
    await until(what, async () => (await isTrue()) || undefined, { timeoutMs, signal: this.#signal })
  }
}

async function ask<T>(peer: DemoPeer, path: string): Promise<T> {
  const response = await new Client({ peers: [peer.url] }).fetch(path, { signal: AbortSignal.timeout(ANSWER_MS) })
  return (await response.json()) as T
}
