/**
 * A member that lies: it proves itself as the checkout under attack does it, by that checkout's own
 * code, and then says what it likes on the stream that was proved.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import { pino } from 'pino'
import type * as IdentityModule from '../../protocols/base/identity.ts'
import type { ClusterId, Incarnation, NetworkId, PeerId } from '../../protocols/base/identity.ts'
import type * as CodecModule from '../../protocols/wire/codec.ts'
import type * as BytesModule from '../../src/bytes.ts'
import type * as DiscoveryModule from '../../src/discovery/discovery.ts'
import type * as NetworkModule from '../../src/network/network.ts'
import type { NetworkInit, PeerDiscovery } from '../../src/network/network-init.ts'
import { varint } from './protobuf.ts'
import { until } from './waiting.ts'

const JOIN_MS = 10_000
const CLUSTER = 'attackers' as ClusterId
const MESSAGES = 2

export interface Member {
  readonly connection: Connection
  /** The one that was proved. */
  readonly stream: Stream
  /** True once the peer has cut the stream. */
  readonly isCut: boolean
  stop(): Promise<void>
}

export interface Joining {
  /** The checkout. */
  readonly root: string
  readonly networkId: string
  readonly secretPath: string | undefined
  readonly address: string
}

/** A frame of messages, each as the bytes given. */
export function messagesFrame(round: number, messages: readonly Uint8Array[]): Buffer {
  const parts = messages.flatMap((message) => [varint(message.length), message])
  const body = Buffer.concat([Buffer.of(MESSAGES), varint(round), ...parts])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}

/** Joins as a learner of a cluster of its own. @throws when it is not let in */
export async function joinAsMember({ root, networkId, secretPath, address }: Joining): Promise<Member> {
  const load = async <Module>(path: string): Promise<Module> => (await import(pathToFileURL(join(root, path)).href)) as Module
  const { createNetwork } = await load<typeof NetworkModule>('src/network/network.ts')
  const { Codec } = await load<typeof CodecModule>('protocols/wire/codec.ts')
  const { identity } = await load<typeof IdentityModule>('protocols/base/identity.ts')
  const { utf8 } = await load<typeof BytesModule>('src/bytes.ts')
  const { Discovery } = await load<typeof DiscoveryModule>('src/discovery/discovery.ts')
  let host: Parameters<PeerDiscovery['start']>[0] | undefined
  const secret = secretPath === undefined ? undefined : Buffer.from(readFileSync(secretPath, 'utf8').trim())
  // Checkouts of before a file could hold several secrets ask for the one.
  const logger = pino({ level: 'silent' })
  const discovery = new Discovery({ rendezvous: 'replicator', clusterId: CLUSTER, protocolId: '/p2p/rpc/replicator', logger })
  const init: NetworkInit & { readonly secret: Uint8Array | undefined } = {
    privateKey: await generateKeyPair('Ed25519'),
    codec: new Codec(utf8),
    logger,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    announce: [],
    secrets: [secret],
    secret,
    discovery: { service: (door) => discovery.service(door), start: (libp2p) => (host = libp2p), stop: () => {} },
    peers: [address],
  }
  const network = await createNetwork(init)
  let proved: PeerId | undefined
  const self = identity(network.peerId, randomBytes(16).toString('hex') as Incarnation)
  await network.start({
    connected: (remote) => (proved = remote.identity.peerId),
    disconnected: () => {},
    message: () => {},
    round: () => 0,
    greeting: () => ({
      protocolMin: 1,
      protocolMax: 1,
      networkId: networkId as NetworkId,
      clusterId: CLUSTER,
      identity: self,
      epoch: -1,
      ceiling: { epoch: 0, round: 0 },
      minPeers: 3,
      addresses: [],
    }),
  })
  const stop = (): Promise<void> => network.stop()
  try {
    await until('it is let in as a member', () => proved !== undefined, JOIN_MS)
  } catch (error) {
    await stop()
    throw error
  }
  for (const connection of host?.getConnections() ?? []) {
    const stream = connection.streams.find(({ protocol }) => protocol.startsWith('/p2p/rpc/replicator/') && !protocol.includes('/bulk/'))
    if (stream !== undefined) return memberOn(connection, stream, stop)
  }
  await stop()
  throw new Error('the stream that was proved is not found')
}

function memberOn(connection: Connection, stream: Stream, stop: () => Promise<void>): Member {
  return {
    connection,
    stream,
    stop,
    get isCut() {
      return stream.status !== 'open'
    },
  }
}
