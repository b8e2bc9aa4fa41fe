/** What the measurements of sets share: inserting, and asking peers how they stand. */
import { until } from '../../test/process/network.ts'
import type { PeerProcess } from '../../test/process/network.ts'
import { HeldConnections } from './held-connections.ts'

/** Connections that a client of a measurement asks over. */
export const WIDTH = 64
/** Elements of a request where a request has many. */
export const BATCH = 100
export const SECOND_MS = 1_000
const IN_TIME_MS = 300_000
/** Between looks at all peers: each costs what is measured some time. */
const LOOK_MS = 250

const startedMs = performance.now()

export function say(text: string): void {
  console.log(`${((performance.now() - startedMs) / SECOND_MS).toFixed(1).padStart(7)} s  ${text}`)
}

/**
 * Inserts elements that nobody has, so many in all.
 *
 * @param batch of each request
 * @param width requests at a time
 * @returns operations a second
 */
export async function insert(
  peers: readonly PeerProcess[],
  prefix: string,
  operations: number,
  batch: number,
  width: number = WIDTH,
): Promise<number> {
  const connections = peers.map((peer) => new HeldConnections(peer.options.host ?? '127.0.0.1', peer.httpPort, width))
  const begunMs = performance.now()
  let next = 0
  const work = async (number: number): Promise<void> => {
    const connection = connections[number % connections.length] as HeldConnections
    while (next < operations) {
      const first = next
      next += batch
      await connection.post('/sets/bench/insert', JSON.stringify(Array.from({ length: batch }, (_, index) => `${prefix} ${first + index}`)))
    }
  }
  await Promise.all(Array.from({ length: width }, (_, number) => work(number)))
  for (const connection of connections) connection.close()
  return operations / ((performance.now() - begunMs) / SECOND_MS)
}

/** The sum of a figure over peers, of those that `/metrics` shows. */
export async function sum(peers: readonly PeerProcess[], name: string): Promise<number> {
  const all = await Promise.all(
    peers.map(async (peer) => {
      const text = (await peer.client.ask('GET', '/metrics')).body.toString()
      return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1] ?? Number.NaN)
    }),
  )
  return all.reduce((total, value) => total + value, 0)
}

interface SetsStatus {
  readonly root: string
  /** Null where no other peer told what it holds. */
  readonly equal: boolean | null
}

/** What `/status` of each says of its sets. */
export function statusOf(peers: readonly PeerProcess[]): Promise<SetsStatus[]> {
  return Promise.all(
    peers.map(
      async (peer) => (JSON.parse((await peer.client.ask('GET', '/status')).body.toString()) as { readonly sets: SetsStatus }).sets,
    ),
  )
}

export async function rootsOf(peers: readonly PeerProcess[]): Promise<string[]> {
  return (await statusOf(peers)).map(({ root }) => root)
}

/** Looks now and then whether it is so. @throws Error when it is not in time */
export async function untilSo(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const look = async (): Promise<boolean> => {
    if (await isSo()) return true
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    return false
  }
  await until(what, look, IN_TIME_MS)
}

/** @returns milliseconds until all peers hold the same */
export async function untilEqual(peers: readonly PeerProcess[]): Promise<number> {
  const begunMs = performance.now()
  await untilSo('all peers hold the same', async () => new Set(await rootsOf(peers)).size === 1)
  return performance.now() - begunMs
}
