/**
 * Members of a log as nodes of Nexus: a node has a URL and a number, where a member has a peer id
 * and addresses.
 */
import { createHash } from 'node:crypto'
import { multiaddr } from '@multiformats/multiaddr'
import type { PeerId } from '../../../protocols/base/identity.ts'
import type { LogView, ReplicaView } from '../../../protocols/log/requests.ts'
import { isPeerId } from '../../peer-id.ts'
import type { PeerView } from '../../ports/replicator.ts'
import type { NodeInfo, NodeStatus } from './messages.ts'
import { multiaddrOfUrl } from './urls.ts'

const ID_BYTES = 8
const PEER_ID_PART = /\/p2p\/[^/]+$/
const STATUSES: Readonly<Record<ReplicaView['role'], NodeStatus>> = {
  leader: 'LEADER',
  candidate: 'CANDIDATE',
  follower: 'FOLLOWER',
  learner: 'FOLLOWER',
}

/** The first 8 bytes of the SHA-256 of a peer id, as a decimal number. */
export function nodeIdOf(peerId: string): string {
  return createHash('sha256').update(peerId).digest().subarray(0, ID_BYTES).readBigUInt64BE().toString()
}

/**
 * The peer that a URL names: a peer id, a multiaddr with one, or an address where a peer is known,
 * as a multiaddr or as `http://HOST:PORT`. Of several at one address, as a peer that lost its disk and
 * its successor are, it is the one that is there now.
 *
 * @returns undefined when nobody is known by it
 */
export function peerOf(url: string, peers: readonly PeerView[]): PeerId | undefined {
  if (isPeerId(url)) return url
  const address = addressOf(url)
  if (address === undefined) return undefined
  const named = PEER_ID_PART.exec(address)?.[0].slice('/p2p/'.length)
  if (named !== undefined) return isPeerId(named) ? named : undefined
  const there = peers.filter(({ addresses }) => addresses.some((known) => known.replace(PEER_ID_PART, '') === address))
  return (there.find(isHere) ?? there[0])?.id
}

/** All members, by the numbers of their nodes. */
export function nodesOf(log: LogView, replicas: readonly ReplicaView[], peers: readonly PeerView[]): Record<string, NodeInfo> {
  const members = [...new Set([...log.voters, ...log.learners].map(({ peerId }) => peerId))]
  return Object.fromEntries(
    members.map((peerId) => {
      const peer = peers.find(({ id }) => id === peerId)
      const replica = replicas.find((each) => each.peer.peerId === peerId)
      const nodeId = nodeIdOf(peerId)
      return [nodeId, { nodeUrl: peer?.addresses[0] ?? peerId, nodeId, status: statusOf(replica, peer), nodeName: peerId }]
    }),
  )
}

/** A member that does not answer is offline where its peer is, and otherwise nobody knows. */
function statusOf(replica: ReplicaView | undefined, peer: PeerView | undefined): NodeStatus {
  if (replica !== undefined) return STATUSES[replica.role]
  return peer === undefined || isHere(peer) ? 'UNKNOWN' : 'OFFLINE'
}

function isHere({ state }: PeerView): boolean {
  return state === 'alive' || state === 'self'
}

/** As a multiaddr in its usual form; undefined for what is none. */
function addressOf(url: string): string | undefined {
  try {
    return url.startsWith('/') ? multiaddr(url).toString() : multiaddrOfUrl(url)
  } catch {
    return undefined
  }
}
