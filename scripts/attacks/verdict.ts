/** Judges what was seen under one attack. Rules only. */
import type { Finding } from './attack.ts'
import type { Watched } from './watch.ts'

export const STALL_MS_MAX = 250
export const MEMORY_BYTES_MAX = 300_000_000
export const JOIN_MS_MAX = 5_000
const BYTES_PER_MB = 1_000_000

export interface Seen {
  readonly watched: Watched | undefined
  /** The longest stall before the attack began. */
  readonly quietStallMs: number
  /** Names of the peers that ended. */
  readonly ended: readonly string[]
  /** Milliseconds; undefined when it did not get in. `none`: nobody tried. */
  readonly joinMs: number | undefined | 'none'
  readonly findings: readonly Finding[]
  /** What went wrong with the attack itself. */
  readonly fault: string | undefined
}

/**
 * Everything that was looked at: what must hold of every attack, then what this one looked at
 * itself.
 */
export function judge({ watched, quietStallMs, ended, joinMs, findings, fault }: Seen): Finding[] {
  const judged: Finding[] = []
  const see = (held: boolean, seen: string): void => void judged.push({ held, seen })
  if (ended.length > 0) see(false, `ended: ${ended.join(', ')}`)
  if (watched !== undefined && watched.peers.length > 0) {
    const stallMs = Math.max(...watched.peers.map((peer) => peer.stallMs))
    see(stallMs <= STALL_MS_MAX, `stall ${stallMs.toFixed(0)} ms (quiet: ${quietStallMs.toFixed(0)} ms)`)
    const mostBytes = Math.max(...watched.peers.map((peer) => peer.mostBytes))
    see(mostBytes <= MEMORY_BYTES_MAX, `memory ${(mostBytes / BYTES_PER_MB).toFixed(0)} MB`)
    const unhealthy = mergedOf(watched.peers.map((peer) => peer.unhealthy))
    if (unhealthy.size > 0) see(false, `/healthz: ${described(unhealthy)}`)
    const missed = watched.peers.filter((peer) => peer.missed.size > 0).length
    if (missed > 0) see(false, `${missed} peers took another for gone`)
    see(
      [...watched.puts.keys()].every((status) => status === '201'),
      `puts: ${described(watched.puts)}`,
    )
  }
  if (joinMs !== 'none') {
    see(joinMs !== undefined && joinMs <= JOIN_MS_MAX, joinMs === undefined ? 'nobody can join' : `a newcomer joined in ${seconds(joinMs)}`)
  }
  if (fault !== undefined) see(false, `the attack failed: ${fault}`)
  return [...judged, ...findings]
}

export function described(counts: ReadonlyMap<string, number>): string {
  return counts.size === 0 ? 'none' : [...counts].map(([what, times]) => `${times} x ${what}`).join(', ')
}

function mergedOf(all: readonly ReadonlyMap<string, number>[]): Map<string, number> {
  const merged = new Map<string, number>()
  for (const counts of all) for (const [what, times] of counts) merged.set(what, (merged.get(what) ?? 0) + times)
  return merged
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`
}
