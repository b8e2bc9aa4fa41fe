/**
 * The messages of every further type of data: each type has a table of its own inside, which the
 * outer one does not know. One is for what somebody waits for, one for what is large, and one for
 * what is let go first.
 */
import { ROW_BYTES_MAX } from '../base/limits.ts'
import type { MessageRows } from './message-rows.ts'
import type { ByteReader } from './reader.ts'
import type { ByteWriter } from './writer.ts'

interface Body {
  /** The code of the type, 0 to 255. */
  readonly type: number
  /** As the type writes it; ROW_BYTES_MAX at most. */
  readonly body: Uint8Array
}

export type TypeMessage =
  | ({ readonly kind: 'typed' } & Body)
  | ({ readonly kind: 'typed-bulk' } & Body)
  | ({ readonly kind: 'typed-spare' } & Body)

/** What a message weighs besides its body. More than it is, so that a bound holds. */
const OUTSIDE_BYTES = 16

export const TYPES: MessageRows<TypeMessage> = {
  typed: {
    code: 21,
    way: 'votes',
    isOpaque: true,
    write: writeBody,
    read: (reader) => ({ kind: 'typed', ...readBody(reader) }),
    values: ({ body }) => [body],
  },
  'typed-bulk': {
    code: 24,
    way: 'bulk',
    write: writeBody,
    read: (reader) => ({ kind: 'typed-bulk', ...readBody(reader) }),
    bytes: ({ body }) => body.length + OUTSIDE_BYTES,
    values: ({ body }) => [body],
  },
  'typed-spare': {
    code: 25,
    way: 'votes',
    isSpare: true,
    isOpaque: true,
    write: writeBody,
    read: (reader) => ({ kind: 'typed-spare', ...readBody(reader) }),
    values: ({ body }) => [body],
  },
}

function writeBody(writer: ByteWriter, { type, body }: Body): void {
  writer.u8(type)
  writer.sized(body)
}

function readBody(reader: ByteReader): Body {
  return { type: reader.u8(), body: reader.sized(ROW_BYTES_MAX) }
}
