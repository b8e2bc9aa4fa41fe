/** The message of every further type of data: each has a table of its own inside, which the outer one does not know. */
import { VALUE_BYTES_MAX } from '../base/limits.ts'
import type { MessageRows } from './message-rows.ts'

export interface TypeMessage {
  readonly kind: 'typed'
  /** The code of the type, 0 to 255. */
  readonly type: number
  /** As the type writes it; no more bytes than a value has. */
  readonly body: Uint8Array
}

export const TYPES: MessageRows<TypeMessage> = {
  typed: {
    code: 21,
    way: 'votes',
    write: (writer, { type, body }) => {
      writer.u8(type)
      writer.sized(body)
    },
    read: (reader) => ({ kind: 'typed', type: reader.u8(), body: reader.sized(VALUE_BYTES_MAX) }),
    values: ({ body }) => [body],
  },
}
