/**
 * Messages, greetings, configs and records as bytes, and back. Specification: README.md in this
 * folder.
 *
 * Writing asserts, for what is written is our own. Reading says MalformedBytes for whatever no peer
 * of this protocol writes: unknown kinds, numbers and lists beyond their bounds, ids of other
 * characters, bytes left over.
 */
import type { Sha256, Utf8 } from '../base/bytes.ts'
import type { Accepted, ValueRecord } from '../base/record.ts'
import type { RegisterKey } from '../base/register.ts'
import type { Config } from '../base/config.ts'
import { ByteReader } from './reader.ts'
import { ByteWriter } from './writer.ts'
import { readConfig, writeConfig } from './configs.ts'
import { readAccepted, readRecord, writeAccepted, writeKey, writeRecord } from './fields.ts'
import { readGreeting, writeGreeting } from './greeting.ts'
import type { Greeting } from './greeting.ts'
import { MESSAGE_TABLE } from './messages.ts'
import type { Message } from './messages.ts'
import { plainBytes } from './octets.ts'

/** Bytes of a record's digest. */
const DIGEST_BYTES = 16

/** Bytes that frames take from the allocator at a time: those of a busy turn. */
const FRAMES_SLAB_BYTES = 65_536

/**
 * Holds nothing but buffers; one serves a whole process. What it returns is never written to again.
 */
export class Codec {
  readonly utf8: Utf8
  /**
   * Where frames are put together: one for all connections, as there may be thousands and each
   * frame is written in one go.
   */
  readonly frameWriter: ByteWriter
  #writer: ByteWriter

  constructor(utf8: Utf8) {
    this.utf8 = utf8
    this.frameWriter = new ByteWriter(utf8, FRAMES_SLAB_BYTES)
    this.#writer = new ByteWriter(utf8)
  }

  writeMessage(writer: ByteWriter, message: Message): void {
    MESSAGE_TABLE.write(writer, message)
  }

  /** @throws MalformedBytes */
  readMessage(reader: ByteReader): Message {
    return MESSAGE_TABLE.read(reader)
  }

  encodeMessage(message: Message): Uint8Array {
    return this.#encode((writer, value) => MESSAGE_TABLE.write(writer, value), message)
  }

  /** Values and digests in the message are views of `bytes`. @throws MalformedBytes */
  decodeMessage(bytes: Uint8Array): Message {
    return this.#decode((reader) => MESSAGE_TABLE.read(reader), bytes)
  }

  encodeGreeting(greeting: Greeting): Uint8Array {
    return this.#encode(writeGreeting, greeting)
  }

  /** @throws MalformedBytes */
  decodeGreeting(bytes: Uint8Array): Greeting {
    return this.#decode(readGreeting, bytes)
  }

  /** Equal configs give equal bytes. */
  encodeConfig(config: Config): Uint8Array {
    return this.#encode(writeConfig, config)
  }

  /** @throws MalformedBytes */
  decodeConfig(bytes: Uint8Array): Config {
    return this.#decode(readConfig, bytes)
  }

  encodeRecord(record: ValueRecord): Uint8Array {
    return this.#encode(writeRecord, record)
  }

  /** The value is a view of `bytes`. @throws MalformedBytes */
  decodeRecord(bytes: Uint8Array): ValueRecord {
    return this.#decode(readRecord, bytes)
  }

  encodeAccepted(accepted: Accepted): Uint8Array {
    return this.#encode(writeAccepted, accepted)
  }

  /** The value is a view of `bytes`. @throws MalformedBytes */
  decodeAccepted(bytes: Uint8Array): Accepted {
    return this.#decode(readAccepted, bytes)
  }

  /**
   * What the hash tree holds of a chosen key: the first 16 bytes of SHA-256 over the encoded key
   * and the encoded record.
   */
  recordDigest(sha256: Sha256, key: RegisterKey, record: ValueRecord): Uint8Array {
    const writer = this.#writer
    writer.clear()
    writeKey(writer, key)
    writeRecord(writer, record)
    const digest = plainBytes(sha256(writer.view())).slice(0, DIGEST_BYTES)
    writer.clear()
    return digest
  }

  /** A name as text, and bytes behind it: what a digest is taken of. */
  encodeNamed(name: string, bytes: Uint8Array): Uint8Array {
    return this.#encode((writer, value) => {
      writer.text(name)
      writer.raw(value)
    }, bytes)
  }

  #encode<Value>(write: (writer: ByteWriter, value: Value) => void, value: Value): Uint8Array {
    // What an assertion cut short may still lie in the buffer.
    this.#writer.clear()
    write(this.#writer, value)
    return this.#writer.finish()
  }

  #decode<Value>(read: (reader: ByteReader) => Value, bytes: Uint8Array): Value {
    const reader = new ByteReader(bytes, this.utf8)
    const value = read(reader)
    reader.end()
    return value
  }
}
