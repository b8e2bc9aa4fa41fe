/**
 * What peers say of counters: a table of its own, inside the message that every further type has.
 */
import { ByteReader } from '../../../../protocols/wire/reader.ts'
import { Table } from '../../../../protocols/wire/rows.ts'
import { ByteWriter } from '../../../../protocols/wire/writer.ts'
import { utf8 } from '../../../../src/bytes.ts'

const NAME_BYTES_MAX = 255

/** The sender holds so much on disk. */
export interface CounterMessage {
  readonly kind: 'total'
  readonly name: string
  readonly total: number
}

const MESSAGES: Table<CounterMessage> = new Table<CounterMessage>({
  total: {
    code: 0,
    write: (writer, { name, total }) => {
      writer.text(name)
      writer.varint(total)
    },
    read: (reader) => ({ kind: 'total', name: reader.text(NAME_BYTES_MAX), total: reader.varint() }),
  },
})

export function writeCounterMessage(message: CounterMessage): Uint8Array {
  const writer = new ByteWriter(utf8)
  MESSAGES.write(writer, message)
  return writer.finish()
}

/** @throws MalformedBytes */
export function readCounterMessage(bytes: Uint8Array): CounterMessage {
  const reader = new ByteReader(bytes, utf8)
  const message = MESSAGES.read(reader)
  reader.end()
  return message
}

/** A row. */
export function writeTotal(total: number): Uint8Array {
  const writer = new ByteWriter(utf8)
  writer.varint(total)
  return writer.finish()
}

/** @throws MalformedBytes */
export function readTotal(bytes: Uint8Array): number {
  const reader = new ByteReader(bytes, utf8)
  const total = reader.varint()
  reader.end()
  return total
}
