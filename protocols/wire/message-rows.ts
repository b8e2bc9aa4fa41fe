/** What a row says of a message beside its bytes: how it travels. */
import { Table } from './rows.ts'
import type { Rows } from './rows.ts'

/**
 * `votes`: the stream that everything travels on which somebody waits for. `bulk`: the stream of
 * the answers of repair. They have up to a megabyte each, many come while a peer catches up, and
 * they are asked for again when they are lost.
 */
export type Way = 'votes' | 'bulk'

interface Travels<Message, Union> {
  readonly way: Way
  /**
   * True for what is let go first where much is waiting: it comes by another way. Left out for
   * none.
   */
  readonly isSpare?: boolean
  /**
   * True for what only its type of data reads: large it may be, but whether it holds a client's
   * value is not known.
   */
  readonly isOpaque?: boolean
  /** How many bytes it takes, rather too many than too few; of a message on the bulk stream. */
  readonly bytes?: (message: Message) => number
  /** Messages that say the same together, for one that carries too much for a frame. */
  readonly parts?: (message: Message) => readonly Union[]
}

/** One row for each message of a protocol. */
export type MessageRows<Union extends { readonly kind: string }> = {
  readonly [Kind in Union['kind']]: Rows<Union>[Kind] & Travels<Extract<Union, { readonly kind: Kind }>, Union>
}

/** The rows of all messages. */
export class MessageTable<Union extends { readonly kind: string }> extends Table<Union> {
  readonly #travels: Readonly<Record<string, Travels<Union, Union> | undefined>>

  constructor(rows: MessageRows<Union>) {
    super(rows)
    // Each is only ever given the message of its own kind, which the compiler cannot see for a
    // union.
    this.#travels = rows as unknown as Readonly<Record<string, Travels<Union, Union>>>
  }

  isBulk(message: Union): boolean {
    return this.#travels[message.kind]?.way === 'bulk'
  }

  isOpaque(message: Union): boolean {
    return this.#travels[message.kind]?.isOpaque === true
  }

  isSpare(message: Union): boolean {
    return this.#travels[message.kind]?.isSpare === true
  }

  /** Bytes that a message on the bulk stream takes, rather too many than too few. */
  bulkBytes(message: Union): number {
    return this.#travels[message.kind]?.bytes?.(message) ?? 0
  }

  /** The messages that a large one can be cut into; undefined when it cannot. */
  parts(message: Union): readonly Union[] | undefined {
    return this.#travels[message.kind]?.parts?.(message)
  }

  isParted(message: Union): boolean {
    return this.#travels[message.kind]?.parts !== undefined
  }
}
