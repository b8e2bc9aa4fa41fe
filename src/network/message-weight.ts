/** How messages weigh on the streams, as the rows of their protocols say. */
import { MESSAGE_TABLE } from '../../protocols/wire/messages.ts'
import type { Message } from '../../protocols/wire/messages.ts'

/** True for what travels on the bulk stream. */
export function isBulk(message: Message): boolean {
  return MESSAGE_TABLE.isBulk(message)
}

/** True for what is let go first where much is waiting. */
export function isSpare(message: Message): boolean {
  return MESSAGE_TABLE.isSpare(message)
}

/** Bytes that a message on the bulk stream takes, rather too many than too few. */
export function bulkBytesOf(message: Message): number {
  return MESSAGE_TABLE.bulkBytes(message)
}

/** Bytes of the values that a message carries: what makes a message large. */
export function valueBytesOf(message: Message): number {
  let bytes = 0
  for (const value of MESSAGE_TABLE.values(message)) bytes += value.length
  return bytes
}

/**
 * How many whole values a message carries; those of repair, which fills whoever lacks them, and of
 * further types are not among them.
 */
export function valueCountOf(message: Message): number {
  return MESSAGE_TABLE.isBulk(message) || MESSAGE_TABLE.isOpaque(message) ? 0 : MESSAGE_TABLE.values(message).length
}
