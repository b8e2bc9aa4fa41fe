/**
 * The stream between two peers is a sequence of frames: four bytes of length (big-endian, of all
 * that follows), one byte of type, a body.
 *
 * Nothing is buffered beyond what has arrived, and a length that is too large is refused as soon as
 * its four bytes are in: a stranger may make us hold a greeting, and no more.
 */
import { assert } from '../base/assert.ts'
import { ByteReader } from './reader.ts'
import { refuse } from './malformed.ts'
import type { ByteWriter } from './writer.ts'
import type { Codec } from './codec.ts'
import { MESSAGE_BYTES_MAX, RECORDS_BYTES_MAX } from '../base/limits.ts'
import type { Greeting } from './greeting.ts'
import { MESSAGE_TABLE } from './messages.ts'
import type { Message } from './messages.ts'
import { plainBytes } from './octets.ts'

/**
 * A frame of several messages has at most so many bytes, its length included, so that no frame
 * holds up the stream for long. A larger message travels alone, so a frame above it with two
 * messages is of no peer of this protocol.
 */
export const FRAME_BYTES_TARGET = 1_048_576
/**
 * The largest length a frame may announce: the largest message, with the type, the round and its
 * own length before it.
 */
export const FRAME_BYTES_MAX: number = MESSAGE_BYTES_MAX + 64
/**
 * The largest frame but of messages, and all that is taken from a peer that has not greeted.
 * Sixteen long addresses fit.
 */
export const FRAME_BYTES_UNPROVED_MAX = 10_240

/** How many messages one frame carries at most: small messages take far more memory than bytes. */
export const MESSAGES_PER_FRAME_MAX = 65_536

/**
 * How many entries of lists the messages of one frame hold together, unless one message alone holds
 * more: an entry of a byte or two takes a hundred in memory, and some work of whoever is told.
 */
export const ENTRIES_PER_FRAME_MAX = 8_192

/** Bytes of a nonce. */
const NONCE_BYTES = 32
const LENGTH_BYTES = 4
const GREETING = 0
const PROOF = 1
const MESSAGES = 2
const NONCE = 3
const PARTING = 4
/** What is taken from the allocator for the beginning of a frame whose rest is not here yet. */
const PIECE_BYTES = 4_096
const NOTHING = new Uint8Array(0)

/** Why one end does not go on, each at the place of its code; said of the end that is told. */
export const PARTINGS = ['other secret', 'no secret', 'secret unknown', 'not admitted'] as const
export type Parting = (typeof PARTINGS)[number]

export type Frame =
  /** Random bytes, against replays of a proof. */
  | { readonly kind: 'nonce'; readonly nonce: Uint8Array }
  | { readonly kind: 'proof'; readonly proof: Uint8Array }
  | { readonly kind: 'parting'; readonly parting: Parting }
  | { readonly kind: 'greeting'; readonly greeting: Greeting }
  /** `round`: the highest round that the sender knew. */
  | { readonly kind: 'messages'; readonly round: number; readonly messages: Message[] }

/**
 * Writes frames, each with its length in front: bytes to be sent one after another. They are safe
 * to keep.
 */
export class Frames {
  #codec: Codec
  #writer: ByteWriter

  constructor(codec: Codec) {
    this.#codec = codec
    this.#writer = codec.frameWriter
  }

  nonce(bytes: Uint8Array): Uint8Array {
    if (bytes.length !== NONCE_BYTES) assert(false, `a nonce of ${bytes.length} bytes`)
    this.#begin(NONCE)
    this.#writer.raw(bytes)
    return this.#end(FRAME_BYTES_UNPROVED_MAX)
  }

  parting(parting: Parting): Uint8Array {
    this.#begin(PARTING)
    this.#writer.u8(PARTINGS.indexOf(parting))
    return this.#end(FRAME_BYTES_UNPROVED_MAX)
  }

  greeting(greeting: Greeting): Uint8Array {
    this.#begin(GREETING)
    this.#writer.raw(this.#codec.encodeGreeting(greeting))
    return this.#end(FRAME_BYTES_UNPROVED_MAX)
  }

  proof(bytes: Uint8Array): Uint8Array {
    this.#begin(PROOF)
    this.#writer.raw(bytes)
    return this.#end(FRAME_BYTES_UNPROVED_MAX)
  }

  /**
   * As few frames as keep each within the bounds of a frame of several messages. None for no
   * messages. A message with many bytes of values becomes several where its row says how, which say
   * the same and always fit.
   *
   * @param round the highest round known here
   */
  messages(round: number, messages: readonly Message[]): Uint8Array[] {
    const frames: Uint8Array[] = []
    const writer = this.#writer
    let count = 0
    for (const message of messages.some(isParted) ? messages.flatMap(parted) : messages) {
      if (count === 0) this.#beginMessages(round)
      const before = writer.length
      const entriesBefore = writer.entries
      this.#message(message)
      count += 1
      if (count > 1 && (isTooMuch(writer.length, writer.entries) || count > MESSAGES_PER_FRAME_MAX)) {
        // The last message was one too many: it opens the next frame.
        const moved = writer.view().slice(before)
        const movedEntries = writer.entries - entriesBefore
        writer.truncate(before)
        frames.push(this.#end(FRAME_BYTES_MAX))
        this.#beginMessages(round)
        writer.raw(moved)
        writer.entries = movedEntries
        count = 1
      }
    }
    if (count > 0) frames.push(this.#end(FRAME_BYTES_MAX))
    return frames
  }

  #message(message: Message): void {
    const mark = this.#writer.openSized()
    this.#codec.writeMessage(this.#writer, message)
    this.#writer.closeSized(mark)
  }

  #beginMessages(round: number): void {
    this.#begin(MESSAGES)
    this.#writer.varint(round)
  }

  #begin(type: number): void {
    this.#writer.clear()
    this.#writer.entries = 0
    this.#writer.u32(0)
    this.#writer.u8(type)
  }

  #end(bytesMax: number): Uint8Array {
    const length = this.#writer.length - LENGTH_BYTES
    if (length > bytesMax) assert(false, `a frame of ${length} bytes where ${bytesMax} are allowed`)
    this.#writer.patchU32(0, length)
    return this.#writer.finish()
  }
}

/**
 * Cuts a stream into frames, however it was cut before. After it has thrown once it throws for
 * ever: the stream is lost.
 */
export class FrameReader {
  /**
   * The largest frame taken. The network raises it to FRAME_BYTES_MAX once the remote peer has
   * proved itself.
   */
  frameBytesMax: number
  #codec: Codec
  #broken = false
  /** How many of the four bytes of the length are in, and what they say. */
  #lengthBytes = 0
  #length = 0
  /**
   * The frame under way: what has arrived of it, in a buffer of its own that decoded values may
   * point into.
   */
  #frame: Uint8Array = NOTHING
  #filled = 0
  /**
   * A peer may send its greeting and large messages in one breath, before anybody has looked at the
   * greeting. So behind one the limit waits for the next push: until then no more is held than the
   * chunk that is here already.
   */
  #behindGreeting = false

  constructor(codec: Codec, frameBytesMax: number = FRAME_BYTES_UNPROVED_MAX) {
    this.#codec = codec
    this.frameBytesMax = frameBytesMax
  }

  /**
   * Takes the next bytes of the stream. They are copied; the caller may use the chunk again.
   *
   * @returns the frames completed by them, in order
   * @throws MalformedBytes for bytes that no peer of this protocol sends, and ever after
   */
  push(chunk: Uint8Array): Frame[] {
    if (this.#broken) refuse('the stream was malformed before')
    // Undone only when all went well: whatever is thrown, the stream cannot be read on from here.
    this.#broken = true
    this.#behindGreeting = false
    if (this.#lengthBytes === LENGTH_BYTES) this.#checkLength()
    const frames: Frame[] = []
    const bytes = plainBytes(chunk)
    let at = 0
    while (at < bytes.length) {
      at = this.#lengthBytes < LENGTH_BYTES ? this.#takeLength(bytes, at) : this.#takeBody(bytes, at)
      if (this.#lengthBytes === LENGTH_BYTES && this.#filled === this.#length) frames.push(this.#complete())
    }
    this.#broken = false
    return frames
  }

  #takeLength(bytes: Uint8Array, from: number): number {
    this.#length = this.#length * 256 + (bytes[from] as number)
    this.#lengthBytes += 1
    if (this.#lengthBytes === LENGTH_BYTES) this.#checkLength()
    return from + 1
  }

  #checkLength(): void {
    const max = this.#behindGreeting ? FRAME_BYTES_MAX : Math.min(this.frameBytesMax, FRAME_BYTES_MAX)
    if (this.#length === 0 || this.#length > max) refuse(`a frame of ${this.#length} bytes where 1 to ${max} are allowed`)
  }

  #takeBody(bytes: Uint8Array, from: number): number {
    if (this.#filled === 0 && bytes[from] !== MESSAGES && this.#length > FRAME_BYTES_UNPROVED_MAX) refuse('a frame of its type too large')
    const count = Math.min(this.#length - this.#filled, bytes.length - from)
    const filled = this.#filled + count
    if (filled > this.#frame.length) this.#grow(filled)
    this.#frame.set(bytes.subarray(from, from + count), this.#filled)
    this.#filled = filled
    return from + count
  }

  /**
   * At most twice what has arrived, and in the end exactly the length of the frame: the announced
   * length alone costs nothing.
   */
  #grow(filled: number): void {
    const grown = new Uint8Array(filled === this.#length ? filled : Math.min(this.#length, Math.max(PIECE_BYTES, filled * 2)))
    grown.set(this.#frame.subarray(0, this.#filled))
    this.#frame = grown
  }

  #complete(): Frame {
    const bytes = this.#frame.subarray(0, this.#filled)
    this.#frame = NOTHING
    this.#filled = 0
    this.#length = 0
    this.#lengthBytes = 0
    return this.#decode(bytes)
  }

  #decode(bytes: Uint8Array): Frame {
    const type = bytes[0]
    const body = bytes.subarray(1)
    switch (type) {
      case NONCE:
        return body.length === NONCE_BYTES ? { kind: 'nonce', nonce: body } : refuse(`a nonce of ${body.length} bytes`)
      case PROOF:
        return { kind: 'proof', proof: body }
      case PARTING:
        return { kind: 'parting', parting: (body.length === 1 && PARTINGS[body[0] as number]) || refuse('no such parting') }
      case GREETING:
        this.#behindGreeting = true
        return { kind: 'greeting', greeting: this.#codec.decodeGreeting(body) }
      case MESSAGES:
        return this.#decodeMessages(body)
      default:
        return refuse(`no such type of frame: ${type}`)
    }
  }

  #decodeMessages(body: Uint8Array): Frame {
    const reader = new ByteReader(body, this.#codec.utf8)
    const round = reader.varint()
    const messages: Message[] = []
    while (reader.remaining > 0) {
      if (messages.length === MESSAGES_PER_FRAME_MAX) refuse('too many messages in one frame')
      const outer = reader.narrow(reader.varintTo(MESSAGE_BYTES_MAX))
      messages.push(this.#codec.readMessage(reader))
      reader.widen(outer)
      const isSeveral = messages.length > 1 || reader.remaining > 0
      if (isSeveral && isTooMuch(LENGTH_BYTES + 1 + body.length, reader.entries)) refuse('too much in one frame of several messages')
    }
    return { kind: 'messages', round, messages }
  }
}

/** Of a frame of several messages. */
function isTooMuch(frameBytes: number, entries: number): boolean {
  return frameBytes > FRAME_BYTES_TARGET || entries > ENTRIES_PER_FRAME_MAX
}

/** True for a message that carries too much for a frame, and can be cut into several. */
function isParted(message: Message): boolean {
  return MESSAGE_TABLE.isParted(message) && MESSAGE_TABLE.values(message).reduce((sum, value) => sum + value.length, 0) > RECORDS_BYTES_MAX
}

function parted(message: Message): readonly Message[] {
  return isParted(message) ? (MESSAGE_TABLE.parts(message) ?? [message]) : [message]
}
