/**
 * The bulk streams of all peers. One is opened when there is something for it and none is there, on
 * the connection of the stream that the peer proved itself on; it is accepted on the same terms.
 * When both ends open one at once each writes to its own, and both are read.
 */
import type { Connection, Stream } from '@libp2p/interface'
import { assert } from '../../protocols/base/assert.ts'
import type { PeerId } from '../../protocols/base/identity.ts'
import type { Codec } from '../../protocols/wire/codec.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { BulkStream } from './bulk-stream.ts'
import type { BulkStreamEvents, BulkStreamInit } from './bulk-stream.ts'
import type { PeerStream } from './peer-stream.ts'

/** Opening a stream on a connection that works takes two round trips. */
const OPEN_TIMEOUT_MS = 10_000

export interface BulkStreamsInit {
  readonly protocolId: string
  readonly codec: Codec
  readonly round: () => number
  readonly traffic: BulkStreamInit['traffic']
  readonly events: BulkStreamEvents
}

export class BulkStreams {
  readonly #init: BulkStreamsInit
  /** Where messages to a peer are written. */
  readonly #current = new Map<PeerId, BulkStream>()
  /** The newest that a peer opened: it has no use for more than one. */
  readonly #accepted = new Map<PeerId, BulkStream>()
  readonly #all = new Set<BulkStream>()

  constructor(init: BulkStreamsInit) {
    this.#init = init
  }

  /** Bytes waiting to leave, to all peers, roughly. */
  get waitingBytes(): number {
    return [...this.#all].reduce((sum, stream) => sum + stream.waitingBytes, 0)
  }

  /**
   * Queues a message to the peer at the other end of `main`, which is proven. False when it was
   * dropped.
   */
  send(main: PeerStream, message: Message): boolean {
    const current = this.#current.get(main.peerId)
    return (current?.usable === true ? current : this.#open(main)).send(message)
  }

  /**
   * Takes a stream that the other end opened. `main`: the stream on the same connection that it
   * proved itself on.
   */
  accept(stream: Stream, main: PeerStream | undefined): void {
    if (main === undefined) {
      stream.abort(new Error('a bulk stream of a peer that is not proven'))
      return
    }
    const accepted = this.#add(main, stream)
    this.#accepted.get(main.peerId)?.abort('replaced by another stream')
    this.#accepted.set(main.peerId, accepted)
    if (!this.#current.has(main.peerId)) this.#current.set(main.peerId, accepted)
    accepted.begin()
  }

  /** Ends the streams of a peer: it is gone. */
  drop(peerId: PeerId, reason: string): void {
    for (const stream of this.#all) if (stream.peerId === peerId) stream.abort(reason)
  }

  /** Ends all streams. */
  stop(): void {
    for (const stream of this.#all) stream.abort('this peer stops')
  }

  /** Lets the streams of a connection empty and close; what follows goes over another. */
  leave(connection: Connection): void {
    for (const stream of this.#all) {
      if (stream.connection !== connection) continue
      this.#forget(stream)
      stream.finish()
    }
  }

  #open(main: PeerStream): BulkStream {
    const { protocolId } = this.#init
    const stream = main.connection.newStream(protocolId, { signal: AbortSignal.timeout(OPEN_TIMEOUT_MS) })
    const opened = this.#add(main, stream)
    this.#current.set(main.peerId, opened)
    opened.begin()
    return opened
  }

  #add(main: PeerStream, stream: BulkStreamInit['stream']): BulkStream {
    const remote = main.remote?.identity
    assert(remote !== undefined, `a bulk stream to ${main.peerId}, which is not proven`)
    const { codec, round, traffic, events } = this.#init
    const bulk = new BulkStream({
      remote,
      connection: main.connection,
      stream,
      codec,
      round,
      traffic,
      events: { ...events, closed: (closed, reason, lost) => this.#closed(closed, reason, lost) },
    })
    this.#all.add(bulk)
    return bulk
  }

  #closed(stream: BulkStream, reason: string, lost: number): void {
    this.#all.delete(stream)
    this.#forget(stream)
    this.#init.events.closed(stream, reason, lost)
  }

  #forget(stream: BulkStream): void {
    for (const streams of [this.#current, this.#accepted]) if (streams.get(stream.peerId) === stream) streams.delete(stream.peerId)
  }
}
