/**
 * Identities on the wire: the sized peer id, then the 16 bytes of the incarnation.
 *
 * Every message names several, and always the same few. So their bytes and their objects are made
 * once and kept, in two bounded caches that change no answer: whatever is not in them is worked out
 * anew.
 */
import { assert } from '../base/assert.ts'
import { identity } from '../base/identity.ts'
import type { Identity, Incarnation, PeerId } from '../base/identity.ts'
import { refuse } from './malformed.ts'
import type { ByteReader } from './reader.ts'
import type { ByteWriter } from './writer.ts'
import { HEX_OF_BYTE, readAscii } from './octets.ts'

/** Bytes of a peer id in text form. */
export const PEER_ID_BYTES_MAX = 128
/** Bytes of an incarnation: 128 random bits. */
export const INCARNATION_BYTES = 16

/** How many identities are kept as bytes; when there are more, all are forgotten. */
const WRITTEN_MAX = 4_096
/**
 * How many identities are kept as objects, at the place that the last two bytes of the incarnation
 * say; a power of two.
 */
const READ_SLOTS = 4_096

interface Known {
  readonly identity: Identity
  readonly bytes: Uint8Array
}

const written = new Map<Identity, Uint8Array>()
const read: (Known | undefined)[] = Array.from({ length: READ_SLOTS }, () => undefined)

export function writeIdentity(writer: ByteWriter, value: Identity): void {
  const bytes = written.get(value)
  if (bytes === undefined) writeNewIdentity(writer, value)
  else writer.raw(bytes)
}

/** The same object for the same bytes, most of the time; compare by `id` all the same. */
export function readIdentity(reader: ByteReader): Identity {
  const from = reader.position
  const length = reader.varintTo(PEER_ID_BYTES_MAX)
  const to = reader.skip(length + INCARNATION_BYTES) + length + INCARNATION_BYTES
  const slot = (((reader.bytes[to - 2] as number) << 8) | (reader.bytes[to - 1] as number)) & (READ_SLOTS - 1)
  const known = read[slot]
  if (known !== undefined && isAt(reader.bytes, from, to, known.bytes)) return known.identity
  const made = identityFrom(reader.bytes, from + (length < 0x80 ? 1 : 2), length)
  read[slot] = { identity: made, bytes: reader.bytes.slice(from, to) }
  return made
}

function writeNewIdentity(writer: ByteWriter, value: Identity): void {
  const { peerId, incarnation } = value
  assert(/^[\x21-\x7e]{1,128}$/.test(peerId), `not a peer id: ${peerId}`)
  assert(incarnation.length === 2 * INCARNATION_BYTES, `not an incarnation: ${incarnation}`)
  const from = writer.length
  writer.text(peerId)
  writer.hex(incarnation)
  if (written.size === WRITTEN_MAX) written.clear()
  written.set(value, writer.view().slice(from))
}

function identityFrom(bytes: Uint8Array, at: number, length: number): Identity {
  if (length === 0) refuse('empty id')
  const to = at + length
  for (let index = at; index < to; index += 1) {
    const code = bytes[index] as number
    if (code < 0x21 || code > 0x7e) refuse('id that is not visible ASCII')
  }
  let incarnation = ''
  for (const byte of bytes.subarray(to, to + INCARNATION_BYTES)) incarnation += HEX_OF_BYTE[byte] as string
  return identity(readAscii(bytes, at, to) as PeerId, incarnation as Incarnation)
}

/** True when the bytes from `from` to `to` are these. */
function isAt(bytes: Uint8Array, from: number, to: number, expected: Uint8Array): boolean {
  if (to - from !== expected.length) return false
  for (let index = 0; index < expected.length; index += 1) if (bytes[from + index] !== expected[index]) return false
  return true
}
