/**
 * Where one peer may be. Addresses are of two kinds. Those that were proved are what the peer told
 * itself, where it was reached, and what the command line names. Hearsay is what others told: it is
 * tried after those, as far as `hearsay.ts` allows, and never written down.
 */
import { ADDRESSES_MAX } from '../../protocols/base/limits.ts'

/**
 * Of a peer's addresses, tried one after another, how many have their time in one try when none of
 * them answers.
 */
const ADDRESSES_PER_TRY = 2
/** Of what others tell of a peer with proved addresses, the newest so many are kept. */
export const HEARSAY_KEPT_MAX = 4
/** Addresses of hearsay dialled in one try. */
export const HEARSAY_PER_TRY = 4

export interface Addresses {
  /** Proved, the most useful first. */
  addresses: string[]
  /** Told by others, the newest first. */
  hearsay: string[]
}

export function addProved(known: Addresses, clean: readonly string[]): void {
  known.addresses = [...new Set([...clean, ...known.addresses])].slice(0, ADDRESSES_MAX)
  addHearsay(known, [])
}

export function addHearsay(known: Addresses, clean: readonly string[]): void {
  const told = new Set([...clean, ...known.hearsay].filter((address) => !known.addresses.includes(address)))
  known.hearsay = [...told].slice(0, known.addresses.length > 0 ? HEARSAY_KEPT_MAX : ADDRESSES_MAX)
}

/**
 * In the order to be tried, hearsay last. A try may end before the last had its turn, so each after
 * one that failed begins further down.
 */
export function inTurn({ addresses, hearsay }: Addresses, failures: number): readonly string[] {
  const all = [...addresses, ...hearsay]
  const start = (failures * ADDRESSES_PER_TRY) % Math.max(1, all.length)
  return [...all.slice(start), ...all.slice(0, start)]
}
