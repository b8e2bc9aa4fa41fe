/**
 * Marks of writes: short, so that hundreds of them fit into a record, and the same wherever the
 * write is tried.
 */
import type { Sha256, Utf8 } from '../base/bytes.ts'
import { HEX_OF_BYTE } from '../wire/octets.ts'
import { ByteWriter } from '../wire/writer.ts'
import { WRITE_BYTES } from './recent.ts'
import type { Mark } from './record.ts'
import type { Condition, Contents } from './requests.ts'

/** Bytes that name what it asked for. */
const ASKED_BYTES = 4
/** What is hashed of a condition, each at the place of its code; 0 stands for none. */
const CONDITIONS: readonly Condition['kind'][] = ['versions', 'live', 'absent']

export class Marks {
  private readonly sha256: Sha256
  private readonly writer: ByteWriter

  constructor(sha256: Sha256, utf8: Utf8) {
    this.sha256 = sha256
    this.writer = new ByteWriter(utf8)
  }

  of(key: string, writeId: string, contents: Contents, condition: Condition | undefined): Mark {
    this.writer.text(key)
    this.writer.text(writeId)
    const write = this.sha256(this.writer.finish()).subarray(0, WRITE_BYTES)
    this.writeAsked(contents, condition)
    const asked = this.sha256(this.writer.finish()).subarray(0, ASKED_BYTES)
    return `${hexOf(write)}${hexOf(asked)}` as Mark
  }

  private writeAsked(contents: Contents, condition: Condition | undefined): void {
    const { writer } = this
    writer.u8(contents.kind === 'value' ? 1 : 0)
    if (contents.kind === 'value') {
      writer.varint(contents.ttlMs ?? 0)
      writer.text(contents.contentType)
      writer.sized(contents.value)
    }
    writer.u8(condition === undefined ? 0 : CONDITIONS.indexOf(condition.kind) + 1)
    if (condition?.kind !== 'versions') return
    writer.varint(condition.versions.length)
    for (const version of condition.versions) writer.varint(version)
  }
}

function hexOf(bytes: Uint8Array): string {
  let digits = ''
  for (const byte of bytes) digits += HEX_OF_BYTE[byte] as string
  return digits
}
