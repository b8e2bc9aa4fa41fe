/** The entity tag of a record: the same at every peer, for it is made of nothing but the record's contents. */
import { createHash, hash } from 'node:crypto'
import type { ValueRecord } from '../../protocols/base/record.ts'

/** The first 128 bits of the hash. */
const HEX_DIGITS = 32
/** Values up to this size are hashed in one call, from a copy beside their content type; larger ones are not copied. */
const COPIED_BYTES_MAX = 4096
/** Tags of larger values are remembered for as long as their record is; hashing a smaller one costs no more than remembering it. */
const REMEMBERED_BYTES_MIN = COPIED_BYTES_MAX + 1

const CONTENT_TYPE_BYTES_MAX = 255
const ZERO = Buffer.of(0)
const scratch = Buffer.allocUnsafeSlow(CONTENT_TYPE_BYTES_MAX + 1 + COPIED_BYTES_MAX)
const remembered = new WeakMap<ValueRecord, string>()

/**
 * The first 128 bits, in hexadecimal, quoted, of SHA-256 over the content type, a zero byte, the value.
 * The content type counts with the bytes it has in its header.
 */
export function entityTag(record: ValueRecord): string {
  if (record.value.length < REMEMBERED_BYTES_MIN && record.contentType.length <= CONTENT_TYPE_BYTES_MAX) return hashSmall(record)
  const known = remembered.get(record)
  if (known !== undefined) return known
  const digest = createHash('sha256').update(record.contentType, 'latin1').update(ZERO).update(record.value).digest('hex')
  const tag = `"${digest.slice(0, HEX_DIGITS)}"`
  remembered.set(record, tag)
  return tag
}

function hashSmall(record: ValueRecord): string {
  const typeBytes = scratch.write(record.contentType, 'latin1')
  scratch[typeBytes] = 0
  scratch.set(record.value, typeBytes + 1)
  return `"${hash('sha256', scratch.subarray(0, typeBytes + 1 + record.value.length), 'hex').slice(0, HEX_DIGITS)}"`
}

/**
 * True when a list of entity tags, as `If-None-Match` has it, names the tag or is `*`. Compared weakly (RFC 9110, 8.8.3.2).
 *
 * @param list the header's value
 * @param tag a quoted tag; it has no comma inside, so a list may be cut at its commas
 */
export function listsTag(list: string, tag: string): boolean {
  if (list === tag) return true
  for (const item of list.split(',')) {
    const candidate = item.trim()
    if (candidate === '*' || candidate === tag || (candidate.startsWith('W/') && candidate.slice(2) === tag)) return true
  }
  return false
}
