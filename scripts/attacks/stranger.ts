/**
 * A libp2p peer that is no member: it dials from an address of its own, and speaks what it likes.
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Identify } from '@libp2p/identify'
import type { Connection, PrivateKey, Stream } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import type { TCPSocketOptions } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Libp2p } from 'libp2p'
import { frugalNoise } from '../../src/network/encryption.ts'
import { steadyYamux } from '../../src/network/muxer.ts'
import { pause } from './waiting.ts'

export const DHT_PROTOCOL = '/replicator/kad/1.0.0'
const IDENTIFY_PROTOCOL = '/ipfs/id/1.0.0'
/** Of the start of our own protocols; the version follows. */
const OUR_PREFIX = '/p2p/rpc/replicator/'

const CONNECTIONS_MAX = 5_000
const DIAL_MS = 10_000
/** Below what a stream of libp2p buffers. */
const PIECE_BYTES = 65_280

export type Stranger = Libp2p<{ identify: Identify }>

export interface StrangerOptions {
  readonly privateKey?: PrivateKey
  /** True for one that is to be asked: the DHT asks nobody who tells no address. */
  readonly isReachable?: boolean
}

/** Makes one, started. Whoever makes it stops it. @param source the address that it comes from */
export async function stranger(source: string, { privateKey, isReachable = false }: StrangerOptions = {}): Promise<Stranger> {
  const dialOpts: TCPSocketOptions & { readonly localAddress: string } = { localAddress: source }
  const libp2p = await createLibp2p({
    start: false,
    privateKey: privateKey ?? (await generateKeyPair('Ed25519')),
    addresses: { listen: isReachable ? [`/ip4/${source}/tcp/0`] : [] },
    transports: [tcp({ dialOpts })],
    connectionEncrypters: [frugalNoise()],
    streamMuxers: [steadyYamux()],
    connectionManager: { maxConnections: CONNECTIONS_MAX, reconnectRetries: 0 },
    connectionMonitor: { enabled: false },
    services: { identify: identify(), ping: ping() },
  })
  await libp2p.start()
  return libp2p
}

/** @throws when it is not let in */
export async function dial(libp2p: Stranger, address: string, force = false): Promise<Connection> {
  return libp2p.dial(multiaddr(address), { signal: AbortSignal.timeout(DIAL_MS), force })
}

/** A stream of the protocol; undefined where it is not served to us. */
export async function openStream(connection: Connection, protocol: string | readonly string[]): Promise<Stream | undefined> {
  try {
    return await connection.newStream([protocol].flat(), { signal: AbortSignal.timeout(DIAL_MS), maxOutboundStreams: CONNECTIONS_MAX })
  } catch {
    return undefined
  }
}

/**
 * Our own main protocol, the newest first, of this build and of the one before: a stranger is not
 * told which of them is spoken.
 */
export const MAIN_PROTOCOLS: readonly string[] = [`${OUR_PREFIX}2.0.0`, `${OUR_PREFIX}1.0.0`]

/** Has it answer with these bytes whoever asks who it is. */
export async function identifyAs(libp2p: Stranger, answer: () => Uint8Array): Promise<void> {
  await libp2p.unhandle(IDENTIFY_PROTOCOL)
  await libp2p.handle(IDENTIFY_PROTOCOL, async (stream) => {
    await sendAll(stream, answer())
    await stream.close()
  })
}

/**
 * Sends in pieces, waiting while the other end does not read. @returns false when the stream ended,
 * or time was over
 */
export async function sendAll(stream: Stream, bytes: Uint8Array, waitMs: number = DIAL_MS): Promise<boolean> {
  const deadlineMs = performance.now() + waitMs
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    while (stream.status === 'open' && stream.writableNeedsDrain && performance.now() < deadlineMs) await pause(5)
    if (stream.status !== 'open' || performance.now() >= deadlineMs) return false
    stream.send(bytes.subarray(at, at + PIECE_BYTES))
  }
  return true
}
