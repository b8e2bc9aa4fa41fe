/**
 * The entity tag of a record: the same at every peer, for it is made of nothing but the record's
 * contents.
 */
import { createHash, hash } from 'node:crypto'
import type { ValueRecord } from '../../protocols/base/record.ts'

/** The first 128 bits of the hash. */
const HEX_DIGITS = 32
/**
 * Values up to this size are hashed in one call, from a copy beside their content type; larger ones
 * are not copied.
 */
const COPIED_BYTES_MAX = 4096
/**
 * Tags that are remembered, with their keys some hundreds of kilobytes; when there are more, all
 * are forgotten.
 */
const REMEMBERED_MAX = 4_096

const CONTENT_TYPE_BYTES_MAX = 255
const ZERO = Buffer.of(0)
const scratch = Buffer.allocUnsafeSlow(CONTENT_TYPE_BYTES_MAX + 1 + COPIED_BYTES_MAX)

/**
 * The first 128 bits, in hexadecimal, quoted, of SHA-256 over the content type, a zero byte, the
 * value. The content type counts with the bytes it has in its header.
 */
export function entityTag(record: ValueRecord): string {
  if (record.value.length <= COPIED_BYTES_MAX && record.contentType.length <= CONTENT_TYPE_BYTES_MAX) return hashSmall(record)
  const digest = createHash('sha256').update(record.contentType, 'latin1').update(ZERO).update(record.value).digest('hex')
  return `"${digest.slice(0, HEX_DIGITS)}"`
}

/**
 * The tags of the keys that are read, each worked out once: hashing a value takes longer than
 * reading it. A key keeps its record for ever, and a write id names one write of it, so a tag that
 * is remembered by both is right.
 */
export class EntityTags {
  readonly #byKey = new Map<string, { readonly writeId: string; readonly tag: string }>()

  /** As `entityTag`. */
  of(key: string, record: ValueRecord): string {
    const known = this.#byKey.get(key)
    if (known?.writeId === record.writeId) return known.tag
    const tag = entityTag(record)
    if (this.#byKey.size >= REMEMBERED_MAX) this.#byKey.clear()
    this.#byKey.set(key, { writeId: record.writeId, tag })
    return tag
  }
}

function hashSmall(record: ValueRecord): string {
  const typeBytes = scratch.write(record.contentType, 'latin1')
  scratch[typeBytes] = 0
  scratch.set(record.value, typeBytes + 1)
  return `"${hash('sha256', scratch.subarray(0, typeBytes + 1 + record.value.length), 'hex').slice(0, HEX_DIGITS)}"`
}

/**
 * True when a list of entity tags, as `If-None-Match` has it, names the tag or is `*`. Compared
 * weakly (RFC 9110, 8.8.3.2).
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
