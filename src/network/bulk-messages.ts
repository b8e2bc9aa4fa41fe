/** Which messages travel on the bulk stream, and how heavy they are. */
import type { Message } from '../../protocols/wire/messages.ts'

/** What an entry weighs besides its key and value: ids, digests, numbers. More than it is, so that a bound holds. */
const ENTRY_BYTES = 128
/** What a character of a key is counted as; in UTF-8 it may be one to three bytes. */
const CHARACTER_BYTES = 3

/** The answers of repair: up to a megabyte each, many of them while a peer catches up, and asked for again when they are lost. */
type BulkMessage = Extract<Message, { readonly kind: 'doubts' | 'hashes' | 'leaves' | 'records' }>

export function isBulk(message: Message): message is BulkMessage {
  return message.kind === 'records' || message.kind === 'leaves' || message.kind === 'hashes' || message.kind === 'doubts'
}

/** Bytes that the message takes, rather too many than too few. */
export function bulkBytesOf(message: Message): number {
  switch (message.kind) {
    case 'records':
      return message.records.reduce((sum, { key, record }) => sum + bytesOfKey(key) + record.value.length, ENTRY_BYTES)
    case 'leaves':
      return message.entries.reduce((sum, { key }) => sum + bytesOfKey(key), ENTRY_BYTES)
    case 'doubts':
      return message.keys.reduce((sum, key) => sum + bytesOfKey(key), ENTRY_BYTES)
    case 'hashes':
      return message.hashes.length + ENTRY_BYTES
    default:
      return ENTRY_BYTES
  }
}

function bytesOfKey(key: string): number {
  return key.length * CHARACTER_BYTES + ENTRY_BYTES
}
