/**
 * What passes between the DHT and others: with whom it speaks, how much one of them may say at
 * once, and whom it may call. The DHT itself answers everybody, keeps up to 4 MB of each half-sent
 * message, and dials whoever it was told of.
 */
import type { Connection, PeerId, Stream, StreamMessageEvent } from '@libp2p/interface'
import type { KadDHTComponents } from '@libp2p/kad-dht'
import { withParts } from '../parts.ts'
import type { DhtCounters, DhtRefusal } from './refusals.ts'

/** Bytes that a stream of ours asks with: one message, with the asker's own addresses. */
export const ASKED_BYTES_MAX = 16_384
/** Bytes of an answer: a hundred peers with their addresses, and the ten that are closer. */
export const ANSWERED_BYTES_MAX = 65_536

type Registrar = KadDHTComponents['registrar']
type ConnectionManager = KadDHTComponents['connectionManager']

export interface DhtDoorInit {
  readonly counters: DhtCounters
  /**
   * False: it is neither answered nor asked, for a question tells who asks, where it is and what it
   * looks for.
   */
  readonly isTrusted: (peerId: string) => boolean
}

/** The parts of libp2p that the DHT is given, with everything beyond the bounds kept from it. */
export function behindDoor(components: KadDHTComponents, init: DhtDoorInit): KadDHTComponents {
  const { registrar, connectionManager, peerStore } = components
  const own: Partial<KadDHTComponents> = {
    registrar: withParts(registrar, {
      handle: (protocol, handler, options) => registrar.handle(protocol, guarded(handler, init), options),
    }),
    connectionManager: withParts(connectionManager, { openStream: opener(connectionManager, init) }),
    // The record of a peer that the store has forgotten would make every answer that names it fail.
    peerStore: withParts(peerStore, {
      get: async (peerId, options) => {
        try {
          return await peerStore.get(peerId, options)
        } catch (error) {
          if (!(error instanceof Error) || error.name !== 'NotFoundError') throw error
          return { id: peerId, addresses: [], protocols: [], metadata: new Map(), tags: new Map() }
        }
      },
    }),
  }
  return withParts(components, own)
}

type Handler = Parameters<Registrar['handle']>[1]

/** Hands over streams of those who are answered, until they say too much. */
function guarded(handler: Handler, { counters, isTrusted }: DhtDoorInit): Handler {
  return async (stream: Stream, connection: Connection) => {
    if (!isTrusted(connection.remotePeer.toString())) {
      counters.refused.unproved += 1
      stream.abort(new Error('the DHT answers proved peers only'))
      return
    }
    let refusal: DhtRefusal | undefined
    cutBeyond(stream, ASKED_BYTES_MAX, () => (refusal = 'too large'))
    try {
      await handler(stream, connection)
    } catch (error) {
      refusal ??= kindOf(error)
      throw error
    } finally {
      if (refusal !== undefined) counters.refused[refusal] += 1
    }
  }
}

/** What is wrong with a stream that ended so; undefined when it is a stream's usual end. */
function kindOf(error: unknown): DhtRefusal | undefined {
  if (!(error instanceof Error) || error.name === 'UnexpectedEOFError' || error.name.startsWith('Stream')) return undefined
  return error.name === 'TimeoutError' || error.name === 'AbortError' ? 'unfinished' : 'malformed'
}

/**
 * Opens a stream to those alone that are connected: whom else to dial is not for the DHT to say.
 */
function opener(connectionManager: ConnectionManager, { isTrusted }: DhtDoorInit): ConnectionManager['openStream'] {
  return async (peer, protocol, options) => {
    const peerId = (peer as PeerId).toString()
    if (connectionManager.getConnections(peer as PeerId).length === 0) throw new Error(`not connected to ${peerId}`)
    if (!isTrusted(peerId)) throw new Error(`${peerId} has not proved itself`)
    const stream = await connectionManager.openStream(peer, protocol, options)
    cutBeyond(stream, ANSWERED_BYTES_MAX, () => {})
    return stream
  }
}

/** Ends a stream whose other end says more than this. */
function cutBeyond(stream: Stream, bytesMax: number, cut: () => void): void {
  let bytes = 0
  stream.addEventListener('message', ({ data }: StreamMessageEvent) => {
    bytes += data.byteLength
    if (bytes <= bytesMax) return
    cut()
    stream.abort(new Error(`more than ${bytesMax} bytes`))
  })
}
