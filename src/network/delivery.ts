/**
 * Messages to and from peers that are connected: over which stream each goes, and what of it is
 * counted.
 */
import type { Connection, Stream } from '@libp2p/interface'
import type { Logger } from 'pino'
import { assert } from '../../protocols/base/assert.ts'
import type { Identity, PeerId } from '../../protocols/base/identity.ts'
import type { Codec } from '../../protocols/wire/codec.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import type { TransportHandlers } from '../ports/transport.ts'
import type { BulkStream } from './bulk-stream.ts'
import { BulkStreams } from './bulk-streams.ts'
import { BROKE_THE_PROTOCOL } from './complaints.ts'
import type { Complaints } from './complaints.ts'
import { isBulk, valueCountOf } from './message-weight.ts'
import type { NetworkCounters } from './network-init.ts'
import type { PeerStream } from './peer-stream.ts'
import type { PeerTable } from './peer-table.ts'

export interface DeliveryInit {
  readonly self: PeerId
  readonly bulkProtocolId: string
  readonly codec: Codec
  readonly counters: NetworkCounters
  readonly table: PeerTable
  readonly complaints: Complaints
  readonly logger: Logger
  /** Undefined before the network is started. */
  readonly handlers: () => TransportHandlers | undefined
  readonly disconnect: (peerId: PeerId, reason: string) => void
}

export class Delivery {
  readonly #init: DeliveryInit
  readonly #bulk: BulkStreams

  constructor(init: DeliveryInit) {
    this.#init = init
    this.#bulk = new BulkStreams({
      protocolId: init.bulkProtocolId,
      codec: init.codec,
      round: () => init.handlers()?.round() ?? 0,
      traffic: init.counters,
      events: {
        message: (from, round, message) => this.#deliver(from, round, message),
        breached: (stream, reason) => this.#breached(stream, reason),
        closed: (stream, reason, lost) => this.#closed(stream, reason, lost),
      },
    })
  }

  /** Of the streams of answers of repair, roughly. */
  get waitingBytes(): number {
    return this.#bulk.waitingBytes
  }

  /** Dropped, and counted so, when the peer is not connected or too much is waiting for it. */
  send(to: PeerId, message: Message): void {
    const { self, table, counters } = this.#init
    if (to === self) assert(false, `a message to oneself: ${message.kind}`)
    const stream = table.current(to)
    const isAnswerOfRepair = isBulk(message)
    const isTaken = stream !== undefined && (isAnswerOfRepair ? this.#bulk.send(stream, message) : stream.send(message))
    if (isTaken) counters.messagesSent += 1
    else counters.messagesDropped += 1
    if (isTaken && isAnswerOfRepair) counters.repairAnswersSent += 1
    if (isTaken) this.#countValues(stream, message)
  }

  /** A message came on a stream of the peer. */
  received(stream: PeerStream, round: number, message: Message): void {
    const from = stream.remote?.identity
    if (from !== undefined && this.#init.table.isKnown(stream)) this.#deliver(from, round, message)
  }

  /**
   * Takes a stream for answers of repair. `main`: the stream on the same connection that the peer
   * proved itself on.
   */
  accept(stream: Stream, main: PeerStream | undefined): void {
    this.#bulk.accept(stream, main)
  }

  /** The peer is gone. */
  drop(peerId: PeerId, reason: string): void {
    this.#bulk.drop(peerId, reason)
  }

  /** What is under way on the connection leaves; what follows goes over another. */
  leave(connection: Connection): void {
    this.#bulk.leave(connection)
  }

  stop(): void {
    this.#bulk.stop()
  }

  #deliver(from: Identity, round: number, message: Message): void {
    this.#init.counters.messagesReceived += 1
    this.#init.handlers()?.message(from, round, message)
  }

  #countValues(stream: PeerStream, message: Message): void {
    const count = valueCountOf(message)
    const clusterId = stream.remote?.clusterId
    if (count === 0 || clusterId === undefined) return
    const { valuesSent } = this.#init.counters
    valuesSent.set(clusterId, (valuesSent.get(clusterId) ?? 0) + count)
  }

  /**
   * The peer goes with all its connections, also when it is used over another than that of the bulk
   * stream.
   */
  #breached({ peerId, connection }: BulkStream, reason: string): void {
    const { counters, complaints, table, disconnect } = this.#init
    counters.breaches += 1
    complaints.tell({ peerId, connection, provedFingerprint: table.current(peerId)?.provedFingerprint }, reason, BROKE_THE_PROTOCOL)
    disconnect(peerId, reason)
  }

  /** The peer stays. What was lost is asked for again, over a new stream. */
  #closed(stream: BulkStream, reason: string, lost: number): void {
    this.#init.counters.messagesDropped += lost
    this.#init.logger.debug({ peerId: stream.peerId, reason, lost }, 'a bulk stream has ended')
  }
}
