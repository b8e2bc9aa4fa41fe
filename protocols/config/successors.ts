/**
 * The configs that may follow a config: a finished one is followed by a joint one, and that by one
 * of its two sets alone. There is no other successor, so whoever finds a joint config can finish it
 * or take it back.
 */
import type { Barred, Clusters, Config } from '../base/config.ts'

/**
 * The joint config that begins a change to `next`. `protocolMin` stays whatever becomes of the
 * change.
 */
export function jointAfter(config: Config, next: Clusters, barred: Barred, protocolMin: number): Config {
  const isAnyBarred = barred.peers.length > 0 || barred.clusters.length > 0
  return { ...config, epoch: config.epoch + 1, next, protocolMin, ...(isAnyBarred && { nextBarred: barred }) }
}

/** What a joint config becomes when its transfer is done. */
export function finishedAfter(joint: Config, next: Clusters): Config {
  return aloneAfter(joint, next, false, joint.nextBarred)
}

/** What a joint config becomes when it is taken back. */
export function withdrawnAfter(joint: Config): Config {
  return aloneAfter(joint, joint.clusters, joint.forming, joint.barred)
}

function aloneAfter(joint: Config, clusters: Clusters, forming: boolean, barred: Barred | undefined): Config {
  const { networkId, protocolMin, epoch } = joint
  return { networkId, epoch: epoch + 1, clusters, forming, protocolMin, ...(barred !== undefined && { barred }) }
}
