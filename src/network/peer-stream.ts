/**
 * One stream to one peer, from its opening to its end: the greeting each way, then messages both
 * ways until either side closes. What is sent within a turn leaves as one frame. Nothing thrown
 * here reaches libp2p.
 */
import { randomBytes } from 'node:crypto'
import type { Connection, Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import type { PeerId } from '../../protocols/base/identity.ts'
import type { Codec } from '../../protocols/wire/codec.ts'
import { FRAME_BYTES_MAX, FRAME_BYTES_UNPROVED_MAX, FrameReader, Frames } from '../../protocols/wire/frames.ts'
import type { Frame } from '../../protocols/wire/frames.ts'
import type { Greeting } from '../../protocols/wire/greeting.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import type { Secrets } from '../ports/secrets.ts'
import { carry, textOf } from './carry.ts'
import { Handshake } from './handshake.ts'
import type { HandshakeOutcome, Saying } from './handshake.ts'
import { ByteQueue } from './byte-queue.ts'
import { fingerprintOf } from './proof.ts'
import { isSpare, valueBytesOf } from './message-weight.ts'

/** Bytes of a nonce. */
const NONCE_BYTES = 32
/**
 * Time for nonces, proofs and greetings: some round trips over the slowest link, and no longer for
 * a stranger.
 */
export const GREETING_TIMEOUT_MS = 10_000
/**
 * Bytes waiting for a slow peer. Four of the largest values; beyond it messages are dropped, as a
 * network may drop them.
 */
export const WAITING_BYTES_MAX = 67_108_864
/** With more than this waiting, what can be spared is dropped: votes and heartbeats go on. */
const SPARE_WAITING_BYTES_MAX = 8_388_608
/** Bytes of values that one turn gathers before it writes. */
const QUEUED_VALUE_BYTES_MAX = 1_048_576
/** How long one end waits, having refused, so that the other can read why it will refuse too. */
const REFUSED_LINGER_MS = 500
/** How long a stream that the other end has closed may wait for the one that it uses instead. */
const REMOTE_CLOSED_GRACE_MS = 1_000
/** How long a stream that is no longer used may take to empty. */
const RETIRE_TIMEOUT_MS = 5_000

export interface PeerStreamEvents {
  /** Both proved themselves and greeted; `send` works from now on. */
  proven(stream: PeerStream, remote: Greeting): void
  message(stream: PeerStream, round: number, message: Message): void
  /** Parting, because the two are set up differently. `closed` follows. */
  refused(stream: PeerStream, reason: string): void
  /** It broke the protocol and its connection was cut. `closed` follows. */
  breached(stream: PeerStream, reason: string): void
  /** The end; told once. */
  closed(stream: PeerStream, reason: string): void
}

export interface PeerStreamInit {
  readonly stream: Stream
  readonly connection: Connection
  readonly codec: Codec
  readonly secrets: Secrets
  /** False: the other end may not join, whatever it proves. */
  readonly isAdmitted: boolean
  readonly greeting: Greeting
  /** The highest round known here. */
  readonly round: () => number
  /** Counts the bytes of frames. */
  readonly traffic: { bytesSent: number; bytesReceived: number }
  /** Ends the whole connection, where it is ours to end. */
  readonly cut: (connection: Connection, reason: string) => void
  readonly events: PeerStreamEvents
}

export class PeerStream {
  readonly peerId: PeerId
  /** Who opened it. */
  readonly openedBy: PeerId
  readonly connection: Connection
  /** When the greeting was done; milliseconds from a fixed point in the past. */
  provenAtMs: number = Number.NaN
  readonly #stream: Stream
  readonly #cutConnection: PeerStreamInit['cut']
  readonly #events: PeerStreamEvents
  readonly #local: Greeting
  readonly #nonce: Uint8Array
  readonly #handshake: Handshake
  readonly #reader: FrameReader
  readonly #frames: Frames
  readonly #byteQueue: ByteQueue
  readonly #round: () => number
  readonly #traffic: PeerStreamInit['traffic']
  #timer: NodeJS.Timeout | undefined
  #queue: Message[] = []
  #queuedValueBytes = 0
  #scheduled = false
  #state: 'greeting' | 'proven' | 'retiring' | 'refused' | 'closed' = 'greeting'

  constructor(init: PeerStreamInit) {
    this.#stream = init.stream
    this.connection = init.connection
    this.#cutConnection = init.cut
    this.peerId = init.connection.remotePeer.toString() as PeerId
    this.openedBy = init.stream.direction === 'outbound' ? init.greeting.identity.peerId : this.peerId
    this.#events = init.events
    this.#round = init.round
    this.#traffic = init.traffic
    this.#reader = new FrameReader(init.codec, FRAME_BYTES_UNPROVED_MAX)
    this.#frames = new Frames(init.codec)
    this.#byteQueue = new ByteQueue(init.stream)
    this.#local = init.greeting
    this.#nonce = new Uint8Array(randomBytes(NONCE_BYTES))
    const isOpener = init.stream.direction === 'outbound'
    const { secrets, isAdmitted } = init
    this.#handshake = new Handshake({ local: this.#local, nonce: this.#nonce, remotePeerId: this.peerId, isOpener, secrets, isAdmitted })
  }

  /** Begins to greet. Events are told from now on. */
  begin(): void {
    this.#timer = setTimeout(() => this.#breach('no greeting in time'), GREETING_TIMEOUT_MS)
    this.#listen()
    this.#write([this.#frames.nonce(this.#nonce)])
  }

  /** What the other end said of itself; undefined until it is believed. */
  get remote(): Greeting | undefined {
    return this.#handshake.remote
  }

  /**
   * The secret that the other end has proved to know, `undefined` inside for none; undefined until
   * it has.
   */
  get provedBy(): { readonly secret: Uint8Array | undefined } | undefined {
    return this.#handshake.provedBy
  }

  /** What that secret is told by; undefined until the other end has proved to know one. */
  get provedFingerprint(): string | undefined {
    return this.provedBy && fingerprintOf(this.provedBy.secret)
  }

  /**
   * The nonce of its opener, as hexadecimal: orders streams of one opener the same at both ends.
   */
  get openerNonce(): string {
    return Buffer.from(this.#handshake.openerNonce ?? []).toString('hex')
  }

  /** True while messages may be given to it. */
  get usable(): boolean {
    return this.#state === 'proven'
  }

  /** Bytes waiting to leave, messages of this turn apart. */
  get waitingBytes(): number {
    return this.#byteQueue.waitingBytes
  }

  /**
   * Queues a message; all of one turn leave together. False when it was dropped, because the stream
   * is not usable or too much is waiting.
   */
  send(message: Message): boolean {
    const { waitingBytes } = this.#byteQueue
    if (this.#state !== 'proven' || waitingBytes > (isSpare(message) ? SPARE_WAITING_BYTES_MAX : WAITING_BYTES_MAX)) return false
    this.#queue.push(message)
    this.#queuedValueBytes += valueBytesOf(message)
    // Large values are not gathered but written at once, so that the bound counts them.
    if (this.#queuedValueBytes > QUEUED_VALUE_BYTES_MAX) this.#flush()
    else if (!this.#scheduled) {
      this.#scheduled = true
      setImmediate(() => {
        this.#scheduled = false
        this.#flush()
      })
    }
    return true
  }

  /**
   * Another stream to the same peer is used instead: what is waiting leaves, then this end closes.
   * The other end may still send.
   */
  retire(): void {
    if (this.#state !== 'proven') return
    this.#flush()
    if (this.#state !== 'proven') return
    this.#state = 'retiring'
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.abort('replaced by another stream'), RETIRE_TIMEOUT_MS)
    this.#closeWhenEmpty()
  }

  /** Ends the stream now. */
  abort(reason: string): void {
    if (this.#state === 'closed') return
    const error = new Error(reason)
    this.#end(reason)
    this.#stream.abort(error)
  }

  #flush(): void {
    const queue = this.#queue
    this.#queue = []
    this.#queuedValueBytes = 0
    if (queue.length === 0 || this.#state !== 'proven') return
    this.#write(this.#frames.messages(this.#round(), queue))
  }

  #listen(): void {
    this.#stream.addEventListener('message', (event: StreamMessageEvent) => this.#receive(event.data))
    this.#stream.addEventListener('drain', () => this.#drained())
    this.#stream.addEventListener('remoteCloseWrite', () => this.#remoteClosed())
    this.#stream.addEventListener('close', (event: StreamCloseEvent) => this.#end(event.error?.message ?? 'closed by the other side'))
  }

  #write(frames: readonly Uint8Array[]): void {
    for (const frame of frames) this.#traffic.bytesSent += frame.length
    try {
      this.#byteQueue.push(frames)
    } catch (error) {
      this.abort(`cannot write: ${textOf(error)}`)
    }
  }

  #drained(): void {
    if (this.#state === 'closed') return
    try {
      this.#byteQueue.drained()
    } catch (error) {
      this.abort(`cannot write: ${textOf(error)}`)
      return
    }
    if (this.#state === 'retiring') this.#closeWhenEmpty()
  }

  #closeWhenEmpty(): void {
    if (this.#byteQueue.waitingBytes > 0) return
    this.#stream.close({ signal: AbortSignal.timeout(RETIRE_TIMEOUT_MS) }).catch(() => this.abort('replaced by another stream'))
  }

  /**
   * The other end says no more. It may have chosen another stream of which we have yet to hear;
   * when we do not, a stream that goes one way is of no use.
   */
  #remoteClosed(): void {
    if (this.#state !== 'proven') return
    this.#timer = setTimeout(() => this.abort('closed by the other side'), REMOTE_CLOSED_GRACE_MS)
  }

  #receive(data: StreamMessageEvent['data']): void {
    this.#traffic.bytesReceived += data.byteLength
    for (const chunk of data instanceof Uint8Array ? [data] : data) {
      let frames: Frame[]
      try {
        frames = this.#state === 'closed' || this.#state === 'refused' ? [] : this.#reader.push(chunk)
      } catch (error) {
        this.#breach(`malformed bytes: ${textOf(error)}`)
        return
      }
      for (const frame of frames) this.#take(frame)
    }
  }

  #take(frame: Frame): void {
    if (this.#state === 'closed' || this.#state === 'refused') return
    switch (frame.kind) {
      case 'nonce':
        return this.#answer(this.#handshake.nonced(frame.nonce))
      case 'proof':
        return this.#answer(this.#handshake.proved(frame.proof))
      case 'greeting':
        return this.#answer(this.#handshake.greeted(frame.greeting))
      case 'parting':
        return this.#state === 'greeting'
          ? this.#answer(this.#handshake.parted(frame.parting))
          : this.#breach('a parting after the greeting')
      case 'messages':
        return this.#deliver(frame.round, frame.messages)
    }
  }

  #answer(outcome: HandshakeOutcome): void {
    if (outcome.kind === 'breach') return this.#breach(outcome.reason)
    if (outcome.kind === 'refused') {
      if (outcome.parting !== undefined) this.#write([this.#frames.parting(outcome.parting)])
      return this.#refuse(outcome.reason)
    }
    this.#write(outcome.say.map((saying) => this.#frameOf(saying)))
    if (outcome.remote !== undefined && this.#state === 'greeting') this.#proven(outcome.remote)
  }

  #frameOf(saying: Saying): Uint8Array {
    return saying.kind === 'proof' ? this.#frames.proof(saying.proof) : this.#frames.greeting(this.#local)
  }

  #proven(remote: Greeting): void {
    clearTimeout(this.#timer)
    this.#reader.frameBytesMax = FRAME_BYTES_MAX
    this.#state = 'proven'
    this.provenAtMs = performance.now()
    carry(() => this.#events.proven(this, remote))
  }

  #deliver(round: number, messages: readonly Message[]): void {
    if (this.#state === 'greeting') {
      this.#breach('a message before the greeting was done')
      return
    }
    carry(() => {
      for (const message of messages) {
        if (this.#state !== 'proven' && this.#state !== 'retiring') return
        this.#events.message(this, round, message)
      }
    })
  }

  #refuse(reason: string): void {
    if (this.#state === 'closed') return
    clearTimeout(this.#timer)
    this.#state = 'refused'
    this.#timer = setTimeout(() => this.#cut(reason), REFUSED_LINGER_MS)
    carry(() => this.#events.refused(this, reason))
  }

  #breach(reason: string): void {
    if (this.#state === 'closed') return
    carry(() => this.#events.breached(this, reason))
    this.#cut(reason)
  }

  /** Ends the whole connection, not only this stream. */
  #cut(reason: string): void {
    this.abort(reason)
    this.#cutConnection(this.connection, reason)
  }

  #end(reason: string): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    clearTimeout(this.#timer)
    this.#queue = []
    this.#byteQueue.clear()
    carry(() => this.#events.closed(this, reason))
  }
}
