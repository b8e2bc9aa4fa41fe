/**
 * Whom growth passes over. A peer that was removed must not be brought back by whoever plans next,
 * and that is not always who removed it: so the bar is part of what is agreed, and comes and goes
 * with the change that set it.
 */
import type { ClusterId, PeerId } from '../base/identity.ts'
import { BARRED_MAX } from '../base/config.ts'
import type { Barred, Config } from '../base/config.ts'

const NONE: Barred = { peers: [], clusters: [] }

/** Who is barred in a config. */
export function barredIn(config: Config): Barred {
  return config.barred ?? NONE
}

export function isBarred(barred: Barred, peerId: PeerId, clusterId: ClusterId): boolean {
  return barred.peers.includes(peerId) || barred.clusters.includes(clusterId)
}

/** Adds those who are not barred yet; where there are too many, those barred first fall off. */
export function barring(barred: Barred, peers: readonly PeerId[], clusters: readonly ClusterId[]): Barred {
  return { peers: added(barred.peers, peers), clusters: added(barred.clusters, clusters) }
}

/** Takes peers and clusters off, wherever they are named. */
export function lifting(barred: Barred, peers: readonly PeerId[], clusters: readonly ClusterId[]): Barred {
  return {
    peers: barred.peers.filter((peerId) => !peers.includes(peerId)),
    clusters: barred.clusters.filter((clusterId) => !clusters.includes(clusterId)),
  }
}

/** True when both bar the same, in the same order. */
export function equalBarred(a: Barred, b: Barred): boolean {
  return a.peers.join() === b.peers.join() && a.clusters.join() === b.clusters.join()
}

function added<Id>(present: readonly Id[], more: readonly Id[]): readonly Id[] {
  return [...new Set([...present, ...more])].slice(-BARRED_MAX)
}
