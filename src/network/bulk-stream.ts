/**
 * The second stream to one peer: for the big answers of repair, as a pipeline each way.
 *
 * Why two streams. A peer that catches up is sent megabytes, and on one ordered stream every vote
 * would wait behind those that were queued before it. Here the multiplexer takes the two streams in
 * turns, so a vote waits behind one piece, not behind all. Nothing is promised of the order between
 * the two, and all that is sent here may be lost: repair asks again.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Connection, Stream, StreamMessageEvent } from '@libp2p/interface'
import { messageStreamToDuplex } from '@libp2p/utils'
import { pipe } from 'it-pipe'
import type { Identity, PeerId } from '../../protocols/base/identity.ts'
import type { Codec } from '../../protocols/wire/codec.ts'
import { FRAME_BYTES_MAX, FrameReader, Frames } from '../../protocols/wire/frames.ts'
import type { Frame } from '../../protocols/wire/frames.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { bulkBytesOf } from './message-weight.ts'
import { carry, textOf } from './carry.ts'
import { PIECE_BYTES } from './byte-queue.ts'
import { WAITING_BYTES_MAX } from './peer-stream.ts'

/**
 * Bytes arrived and not delivered yet, beyond which nothing more is read. Reading is prompt, so
 * this is reached only when the process is far behind; libp2p itself would break the stream at four
 * times as much.
 */
const UNREAD_BYTES_MAX = 1_048_576
/**
 * Bytes on their way to one end of a bulk stream: all that a vote can find in front of it between
 * the two peers. Enough for 4 MB a second over 60 ms. The multiplexer's own bound is 16 MiB, which
 * it reaches on the shortest link.
 */
const WINDOW_BYTES_MAX = 262_144
/** How long a stream that is no longer used may take to empty. */
const FINISH_TIMEOUT_MS = 5_000

type Bytes = StreamMessageEvent['data']

export interface BulkStreamEvents {
  message(from: Identity, round: number, message: Message): void
  /** It broke the protocol. `closed` follows. */
  breached(stream: BulkStream, reason: string): void
  /** The end, or it could not be opened; told once. `lost`: messages that were waiting. */
  closed(stream: BulkStream, reason: string, lost: number): void
}

export interface BulkStreamInit {
  /** Who proved themselves on the first stream of this connection. */
  readonly remote: Identity
  readonly connection: Connection
  /** Opened by us, and not there yet, or by the other end. */
  readonly stream: Promise<Stream> | Stream
  readonly codec: Codec
  /** The highest round known here. */
  readonly round: () => number
  readonly traffic: { bytesSent: number; bytesReceived: number; repairBytesSent: number }
  readonly events: BulkStreamEvents
}

export class BulkStream {
  readonly peerId: PeerId
  readonly connection: Connection
  readonly #init: BulkStreamInit
  readonly #frames: Frames
  readonly #reader: FrameReader
  readonly #queue: Message[] = []
  #waitingBytes = 0
  #unreadBytes = 0
  #stream: Stream | undefined
  #state: 'usable' | 'finishing' | 'closed' = 'usable'
  #timer: NodeJS.Timeout | undefined
  /** Tells the source that there is something to do. */
  #wake: () => void = () => {}

  constructor(init: BulkStreamInit) {
    this.#init = init
    this.connection = init.connection
    this.peerId = init.remote.peerId
    this.#frames = new Frames(init.codec)
    this.#reader = new FrameReader(init.codec, FRAME_BYTES_MAX)
  }

  /** Reads and writes, once the stream is there. Events are told from now on. */
  begin(): void {
    const { stream } = this.#init
    if (!(stream instanceof Promise)) this.#attach(stream)
    else
      stream.then(
        (opened) => this.#attach(opened),
        (error: unknown) => this.#end(`cannot open: ${textOf(error)}`),
      )
  }

  /** True while messages may be given to it, also before it is open. */
  get usable(): boolean {
    return this.#state === 'usable'
  }

  /** Bytes of the messages waiting to leave, roughly. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /**
   * Queues a message. False when it was dropped, because the stream ends or too much is waiting.
   */
  send(message: Message): boolean {
    if (this.#state !== 'usable' || this.#waitingBytes > WAITING_BYTES_MAX) return false
    this.#queue.push(message)
    this.#waitingBytes += bulkBytesOf(message)
    this.#wake()
    return true
  }

  /** Another stream is used from now on: what is waiting leaves, then this end closes. */
  finish(): void {
    if (this.#state !== 'usable') return
    this.#state = 'finishing'
    this.#timer = setTimeout(() => this.abort('replaced by another stream'), FINISH_TIMEOUT_MS)
    this.#wake()
  }

  /** Ends the stream now. */
  abort(reason: string): void {
    if (this.#state === 'closed') return
    this.#end(reason)
    this.#stream?.abort(new Error(reason))
  }

  #attach(stream: Stream): void {
    if (this.#state === 'closed') {
      stream.abort(new Error('no longer wanted'))
      return
    }
    this.#stream = stream
    limitWindow(stream)
    stream.addEventListener('message', (event: StreamMessageEvent) => this.#arrived(stream, event.data.byteLength))
    stream.addEventListener('close', ({ error }) => this.#end(error?.message ?? 'closed by the other side'))
    void this.#run(stream)
  }

  async #run(stream: Stream): Promise<void> {
    try {
      await pipe(
        this.#queued(),
        (frames) => inPieces(frames),
        messageStreamToDuplex(stream),
        (chunks: AsyncIterable<Bytes>) => this.#framesOf(stream, chunks),
        (frames) => this.#deliver(frames),
      )
      // The other end says no more; this one does not begin anything new on a stream that goes one
      // way.
      this.finish()
    } catch (error) {
      if (error instanceof Breach) this.#breach(error.message)
      else this.abort(`broken: ${textOf(error)}`)
    }
  }

  /** Frames as they are needed: a message is put into bytes when the one before it has left. */
  async *#queued(): AsyncGenerator<Uint8Array> {
    while (this.#state !== 'closed') {
      const message = this.#queue.shift()
      if (message === undefined) {
        if (this.#state === 'finishing') return
        const { promise, resolve } = Promise.withResolvers<void>()
        this.#wake = resolve
        await promise
        continue
      }
      this.#waitingBytes -= bulkBytesOf(message)
      for (const frame of this.#frames.messages(this.#init.round(), [message])) {
        yield frame
        this.#init.traffic.bytesSent += frame.length
        this.#init.traffic.repairBytesSent += frame.length
      }
    }
  }

  async *#framesOf(stream: Stream, chunks: AsyncIterable<Bytes>): AsyncGenerator<Frame> {
    for await (const data of chunks) {
      for (const chunk of data instanceof Uint8Array ? [data] : data) yield* this.#framesIn(chunk)
      this.#taken(stream, data.byteLength)
    }
  }

  #framesIn(chunk: Uint8Array): Frame[] {
    try {
      return this.#reader.push(chunk)
    } catch (error) {
      throw new Breach(`malformed bytes: ${textOf(error)}`)
    }
  }

  async #deliver(frames: AsyncIterable<Frame>): Promise<void> {
    for await (const frame of frames) {
      if (frame.kind !== 'messages') throw new Breach(`a ${frame.kind} on the bulk stream`)
      carry(() => {
        for (const message of frame.messages) {
          if (this.#state !== 'closed') this.#init.events.message(this.#init.remote, frame.round, message)
        }
      })
    }
  }

  #arrived(stream: Stream, bytes: number): void {
    this.#init.traffic.bytesReceived += bytes
    this.#unreadBytes += bytes
    if (this.#unreadBytes > UNREAD_BYTES_MAX && stream.readStatus === 'readable') stream.pause()
  }

  #taken(stream: Stream, bytes: number): void {
    this.#unreadBytes -= bytes
    if (this.#unreadBytes <= UNREAD_BYTES_MAX / 2 && stream.readStatus === 'paused') stream.resume()
  }

  #breach(reason: string): void {
    if (this.#state === 'closed') return
    carry(() => this.#init.events.breached(this, reason))
    this.abort(reason)
  }

  #end(reason: string): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    clearTimeout(this.#timer)
    const lost = this.#queue.length
    this.#queue.length = 0
    this.#waitingBytes = 0
    this.#wake()
    carry(() => this.#init.events.closed(this, reason, lost))
  }
}

/** The other end broke the protocol. */
class Breach extends Error {}

/**
 * Bounds what the other end may send ahead. libp2p has a setting for all streams of a connection
 * and none for one; this is the field that yamux looks at before it widens a window. On a stream
 * without it nothing changes.
 */
function limitWindow(stream: Stream): void {
  if ('maxStreamWindowSize' in stream) stream.maxStreamWindowSize = WINDOW_BYTES_MAX
}

/**
 * Cuts frames into pieces of the best size, one a turn, so that what else is sent in a turn goes
 * between them.
 */
async function* inPieces(frames: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const frame of frames) {
    for (let at = 0; at < frame.length; at += PIECE_BYTES) {
      yield frame.subarray(at, at + PIECE_BYTES)
      await nextTurn()
    }
  }
}
