/**
 * How a simulated network comes to be: by one founder whom the others join, or standing already,
 * with a config drawn at random.
 */
import type { ClusterId, Identity, NetworkId } from '../../protocols/base/identity.ts'
import type { Config } from '../../protocols/base/config.ts'
import { VOTERS_PER_CLUSTER_MAX } from '../../protocols/base/config.ts'
import type { Chance } from './chance.ts'
import type { Options } from './options.ts'
import type { SimulatedPeer } from './peer.ts'

const NETWORK_ID_DIGITS = 32

/**
 * Gives the first configs to those that have them at the start. @returns these configs, in order
 */
export function layFoundation(peers: readonly SimulatedPeer[], options: Options, chance: Chance): readonly [Config, ...Config[]] {
  const networkId = chance.hex(NETWORK_ID_DIGITS) as NetworkId
  const founder = peers[0]
  if (founder === undefined) throw new Error('a network without peers')
  const protocolMin = founder.protocol
  if (options.isFounded) {
    const clusters = new Map([[founder.clusterId, [founder.identity]]])
    const config: Config = { networkId, epoch: 0, clusters, forming: options.minPeers > 1, protocolMin }
    founder.founding = {
      networkId,
      clusterId: founder.clusterId,
      founder: founder.identity,
      isAnew: false,
      minPeers: options.minPeers,
      protocolMin,
    }
    return [config]
  }
  const clusters = new Map<ClusterId, Identity[]>()
  for (const peer of peers) {
    const voters = clusters.get(peer.clusterId) ?? []
    const isWanted = voters.length === 0 || (voters.length < VOTERS_PER_CLUSTER_MAX && chance.happens(0.8))
    if (isWanted) clusters.set(peer.clusterId, [...voters, peer.identity])
  }
  const finished: Config = { networkId, epoch: 0, clusters, forming: false, protocolMin }
  const configs = [finished, { ...finished, epoch: 1, next: clusters }, { ...finished, epoch: 2 }] as const
  const isVoter = (peer: SimulatedPeer): boolean => clusters.get(peer.clusterId)?.includes(peer.identity) === true
  for (const peer of peers) if (isVoter(peer) || chance.happens(0.5)) peer.found(configs)
  return configs
}
