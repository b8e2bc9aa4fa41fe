/** What every store refuses, whatever it is made of. */
import { assert } from '../../protocols/base/assert.ts'
import { equalBytes } from '../../protocols/base/record.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import type { Persist } from '../../protocols/base/persist.ts'
import { KEY_BYTES_MAX, ROW_BYTES_MAX } from '../../protocols/base/limits.ts'
import { ROW_NAME_BYTES_MAX } from '../../protocols/base/rows.ts'
import type { RowWrite } from '../../protocols/base/rows.ts'

/** Bytes of the digest that comes with a chosen record. */
export const DIGEST_BYTES = 16

/** A write that changes a register. */
export type RegisterWrite = Exclude<Persist, { kind: 'ceiling' | 'diverged' }>

export function isRegisterWrite(write: Persist): write is RegisterWrite {
  return write.kind !== 'ceiling' && write.kind !== 'diverged'
}

/**
 * Decides whether a write changes its register. A chosen record stays as it is for ever: choosing
 * it again and dropping what was accepted before it are nothing new, anything else is a bug of the
 * caller.
 *
 * @param chosenDigest the digest of the chosen record held, or undefined when none is
 * @throws ProtocolViolation when the write would undo or replace a chosen record, or is malformed
 */
export function changes(write: RegisterWrite, chosenDigest: Uint8Array | undefined): boolean {
  if (write.kind === 'chosen') assert(write.digest.length === DIGEST_BYTES, `a digest of ${write.digest.length} bytes for ${write.key}`)
  if (chosenDigest === undefined) return true
  if (write.kind === 'accepted') assert(false, `accepted although chosen: ${write.key}`)
  if (write.kind === 'chosen') assert(equalBytes(write.digest, chosenDigest), `a second record is chosen for ${write.key}`)
  return false
}

/** @throws ProtocolViolation on a row that no store takes */
export function assertRow({ name, bytes }: RowWrite): void {
  const nameBytes = Buffer.byteLength(name)
  assert(nameBytes > 0 && nameBytes <= ROW_NAME_BYTES_MAX, `a row whose name has ${nameBytes} bytes`)
  assert((bytes?.length ?? 0) <= ROW_BYTES_MAX, `a row of ${bytes?.length} bytes`)
}

/** @throws ProtocolViolation on a key of no bytes or of more than KEY_BYTES_MAX */
export function assertKey(key: RegisterKey): void {
  // No character takes fewer bytes in UTF-8 than it has units, nor more than three a unit: most
  // keys need no counting.
  if (key.length > 0 && key.length * 3 <= KEY_BYTES_MAX) return
  const bytes = Buffer.byteLength(key)
  assert(bytes > 0 && bytes <= KEY_BYTES_MAX, `a key of ${bytes} bytes`)
}
