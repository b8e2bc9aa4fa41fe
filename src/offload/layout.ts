/**
 * How sets lie in a Redis, so that other programs read them with ordinary commands: for each set
 * two sorted sets of its elements, as transit writes them, with their stamps as scores; and beside
 * them a hash of what they have to agree with. A Redis that lost one of them would otherwise bring
 * every removed element back.
 */
import { NO_STAMP } from '../../protocols/sets/requests.ts'
import type { Cut } from '../../protocols/sets/requests.ts'

export interface SetKeys {
  readonly added: string
  readonly removed: string
  /** A hash of `Kept`. */
  readonly kept: string
}

/** What Redis was given of a set. */
export interface Kept {
  readonly network: string
  /** How many elements each sorted set had, when it was written last. */
  readonly added: number
  readonly removed: number
  readonly cut: Cut
  /**
   * How often it was emptied and written anew: whoever wrote what changed since then, and before,
   * has to write all.
   */
  readonly filling: number
}

export function keysOf(network: string, set: string): SetKeys {
  const base = `replicator:${network}:${set}`
  return { added: `${base}:added`, removed: `${base}:removed`, kept: `${base}:kept` }
}

/** A set of the names of the sets that are kept. */
export function namesKey(network: string): string {
  return `replicator:${network}:sets`
}

/** A set of the networks that are kept. */
export const NETWORKS_KEY = 'replicator:networks'

/** Who of a cluster writes: gone when it has not written for some time. */
export function writerKey(network: string, clusterId: string): string {
  return `replicator:${network}:writer:${clusterId}`
}

/** @param fields of the hash @returns undefined when they are none, or not ours */
export function readKept(fields: Readonly<Record<string, string>>): Kept | undefined {
  const { network } = fields
  const numbers = ['added', 'removed', 'cut', 'stamp', 'bar', 'filling'].map((name) => Number(fields[name] ?? Number.NaN))
  if (network === undefined || !numbers.every((number) => Number.isSafeInteger(number) && number >= NO_STAMP)) return undefined
  const [added, removed, number, stamp, bar, filling] = numbers as [number, number, number, number, number, number]
  return { network, added, removed, cut: { number, stamp, bar }, filling }
}

/** All but the counts, which Redis fills in by itself. */
export function writeKept({ network, cut, filling }: Omit<Kept, 'added' | 'removed'>): string[] {
  const fields = { network, cut: cut.number, stamp: cut.stamp, bar: cut.bar, filling }
  return Object.entries(fields).flatMap(([name, value]) => [name, String(value)])
}
