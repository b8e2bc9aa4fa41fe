/**
 * Streams to peers, from their opening to their end: on which connections one is opened or
 * accepted, and who is let in by it. Which of several is used for a peer is for `peer-table.ts` to
 * say.
 */
import type { Connection, Stream } from '@libp2p/interface'
import type { PeerId } from '../../protocols/base/identity.ts'
import type { Codec } from '../../protocols/wire/codec.ts'
import type { Greeting } from '../../protocols/wire/greeting.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import type { TransportHandlers } from '../ports/transport.ts'
import type { Admission } from './admission.ts'
import { BROKE_THE_PROTOCOL } from './complaints.ts'
import type { Complained, Complaints } from './complaints.ts'
import type { NetworkCounters } from './network-init.ts'
import { PeerStream } from './peer-stream.ts'
import type { PeerTable } from './peer-table.ts'

export interface PeerStreamsInit {
  readonly self: PeerId
  readonly protocolId: string
  readonly codec: Codec
  readonly counters: NetworkCounters
  readonly admission: Admission
  readonly table: PeerTable
  readonly complaints: Complaints
  /** Undefined before the network is started, and once it stops: then no stream is accepted. */
  readonly handlers: () => TransportHandlers | undefined
  readonly message: (stream: PeerStream, round: number, message: Message) => void
  /** Ends a connection on which nothing of ours goes on. */
  readonly cut: (connection: Connection, reason: string) => void
  /** One end will not have the other. */
  readonly refused: (peerId: PeerId, reason: string) => void
}

export class PeerStreams {
  readonly #init: PeerStreamsInit
  /** Streams being opened or greeted on, and the rest until their end. */
  readonly #streams = new Set<PeerStream>()
  readonly #opening = new Set<PeerId>()

  constructor(init: PeerStreamsInit) {
    this.#init = init
  }

  /** Bytes waiting to leave, on all of them. */
  get waitingBytes(): number {
    return [...this.#streams].reduce((sum, stream) => sum + stream.waitingBytes, 0)
  }

  /** Opens a stream on a connection, unless there is one to that peer already, or will be. */
  async open(connection: Connection, signal: AbortSignal): Promise<void> {
    const peerId = connection.remotePeer.toString() as PeerId
    if (this.#init.table.has(peerId) || this.#opening.has(peerId) || this.#isGreeting(peerId)) return
    this.#opening.add(peerId)
    try {
      this.accept(await connection.newStream(this.#init.protocolId, { signal }), connection)
    } catch (error) {
      this.#notOpened(peerId, connection, error)
      throw error
    } finally {
      this.#opening.delete(peerId)
    }
  }

  /** Greets on a stream, whoever opened it. */
  accept(stream: Stream, connection: Connection): void {
    const { codec, counters, admission, message, cut } = this.#init
    const handlers = this.#init.handlers()
    if (handlers === undefined) {
      stream.abort(new Error('this peer stops'))
      return
    }
    const peerStream = new PeerStream({
      stream,
      connection,
      codec,
      secrets: admission.secrets,
      isAdmitted: admission.isNamed(connection.remotePeer.toString() as PeerId),
      greeting: handlers.greeting(),
      round: () => handlers.round(),
      traffic: counters,
      cut,
      events: {
        proven: (proven, remote) => this.#proven(proven, remote),
        message,
        refused: (refused, reason) => this.#refused(refused, reason),
        breached: (breached, reason) => this.#breached(breached, reason),
        closed: (closed, reason) => this.#closed(closed, reason),
      },
    })
    this.#streams.add(peerStream)
    peerStream.begin()
  }

  /** The stream on the connection by which its other end is the peer that we know now. */
  provenOn(connection: Connection): PeerStream | undefined {
    for (const stream of this.#streams) if (stream.connection === connection && this.#init.table.isKnown(stream)) return stream
    return undefined
  }

  /** What is waiting leaves, then each is closed. */
  retire(): void {
    for (const stream of this.#streams) stream.retire()
  }

  abort(reason: string): void {
    for (const stream of this.#streams) stream.abort(reason)
  }

  #isGreeting(peerId: PeerId): boolean {
    for (const stream of this.#streams) if (stream.peerId === peerId && stream.openedBy === this.#init.self) return true
    return false
  }

  /**
   * A peer that speaks something else stays connected, for the DHT; a connection that takes no
   * stream is dead.
   */
  #notOpened(peerId: PeerId, connection: Connection, error: unknown): void {
    if (error instanceof Error && error.name === 'UnsupportedProtocolError') {
      this.#refused({ peerId, connection }, `it does not speak ${this.#init.protocolId}`)
    } else {
      this.#init.cut(connection, error instanceof Error ? error.message : String(error))
    }
  }

  /** What held when its stream was opened may hold no longer. */
  #proven(stream: PeerStream, remote: Greeting): void {
    const refusal = this.#init.admission.refusal(stream)
    if (refusal === undefined) this.#init.table.proven(stream, remote)
    else stream.abort(refusal)
  }

  #closed(stream: PeerStream, reason: string): void {
    this.#streams.delete(stream)
    this.#init.table.closed(stream, reason)
  }

  #refused(refused: Complained, reason: string): void {
    this.#init.counters.refusals += 1
    this.#init.refused(refused.peerId, reason)
    this.#init.complaints.tell(refused, reason, 'refused a peer')
  }

  #breached(stream: PeerStream, reason: string): void {
    this.#init.counters.breaches += 1
    this.#init.complaints.tell(stream, reason, BROKE_THE_PROTOCOL)
  }
}
