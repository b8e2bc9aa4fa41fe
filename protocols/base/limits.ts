import type { Incarnation, PeerId } from './identity.ts'

/** Above every real peer id, which is base58 text. */
export const PEER_ID_HIGHEST: PeerId = '~' as PeerId
/** Not below any real incarnation. */
export const INCARNATION_HIGHEST: Incarnation = 'ffffffffffffffffffffffffffffffff' as Incarnation

/** How many configs one message carries at most. */
export const CONFIGS_PER_MESSAGE_MAX = 64
/**
 * How many targets a relay names at most, and how many votes come back in one message: both voter
 * sets of a joint config.
 */
export const TARGETS_MAX = 16
/** How many keys one message of repair names at most. */
export const KEYS_PER_MESSAGE_MAX = 1_024
/** How many leaves one message asks for at most. */
export const LEAVES_PER_MESSAGE_MAX = 256
/** Bytes of records that one `records` message carries, unless a single record is larger. */
export const RECORDS_BYTES_MAX = 1_048_576
/** How many roster entries one message carries at most. */
export const ROSTER_ENTRIES_MAX = 256
/** How many silent peers one heartbeat names at most. */
export const DOUBTED_MAX = 32
/**
 * How many reached peers one heartbeat names at most; one with so many may reach others besides.
 */
export const REACHED_MAX = 64
/** How many addresses a peer is known by at most. */
export const ADDRESSES_MAX = 16
/** Bytes of one address in text form. */
export const ADDRESS_BYTES_MAX = 512
/** Bytes of a client's key in UTF-8. */
export const KEY_BYTES_MAX = 1_024
/** Bytes of a value that peers take from one another. */
export const VALUE_BYTES_MAX = 16_777_216
/**
 * Bytes of a row of a further type, and of what such a type says in one message: the largest value,
 * and what goes with it.
 */
export const ROW_BYTES_MAX = 16_809_984
/** Bytes of what a type says of its rows as a whole with each answer to a pull. */
export const MARK_BYTES_MAX = 1_024
/** Bytes of a content type. */
export const CONTENT_TYPE_BYTES_MAX = 255
/** Bytes of a writeId. */
export const WRITE_ID_BYTES_MAX = 128
/** Bytes of one message: the largest value and room for all that goes with it. */
export const MESSAGE_BYTES_MAX = 16_842_752
