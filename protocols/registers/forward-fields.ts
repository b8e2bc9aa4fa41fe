/** The fields of a write that is forwarded, each with its two directions side by side. */
import { CONTENT_TYPE_BYTES_MAX, WRITE_ID_BYTES_MAX } from '../base/limits.ts'
import { isContentType } from '../base/record.ts'
import { readList, writeCount } from '../wire/fields.ts'
import { refuse } from '../wire/malformed.ts'
import type { ByteReader } from '../wire/reader.ts'
import type { ByteWriter } from '../wire/writer.ts'
import { MARK_BYTES } from './recent.ts'
import { FORWARDED_VERSIONS_MAX } from './forwards.ts'
import type { ForwardedWrite } from './judge.ts'
import type { Mark } from './record.ts'
import { REGISTER_VALUE_BYTES_MAX } from './requests.ts'
import type { Condition, Contents } from './requests.ts'

/** Each at the place of its code; 0 stands for none. */
const CONDITIONS: readonly Condition['kind'][] = ['versions', 'live', 'absent']

export function writeForwardedWrite(writer: ByteWriter, { contents, condition, writeId, mark, writtenAtMs, after }: ForwardedWrite): void {
  writer.text(writeId)
  writer.hex(mark)
  writer.varint(writtenAtMs)
  writer.varint(after)
  writer.u8(condition === undefined ? 0 : CONDITIONS.indexOf(condition.kind) + 1)
  if (condition?.kind === 'versions') {
    writeCount(writer, condition.versions.length, FORWARDED_VERSIONS_MAX)
    for (const version of condition.versions) writer.varint(version)
  }
  writer.u8(contents.kind === 'value' ? 1 : 0)
  if (contents.kind !== 'value') return
  writer.varint(contents.ttlMs ?? 0)
  writer.text(contents.contentType)
  writer.sized(contents.value)
}

/** The value is a view of the bytes read from, not a copy. */
export function readForwardedWrite(reader: ByteReader): ForwardedWrite {
  const writeId = reader.visible(WRITE_ID_BYTES_MAX)
  const mark = reader.hex(MARK_BYTES) as Mark
  const writtenAtMs = reader.varint()
  const after = reader.varint()
  const condition = readCondition(reader)
  return { writeId, mark, writtenAtMs, after, condition, contents: readContents(reader) }
}

function readCondition(reader: ByteReader): Condition | undefined {
  const code = reader.u8()
  if (code === 0) return undefined
  const kind = CONDITIONS[code - 1] ?? refuse('no such condition')
  return kind === 'versions' ? { kind, versions: readList(reader, FORWARDED_VERSIONS_MAX, (each) => each.varint()) } : { kind }
}

function readContents(reader: ByteReader): Contents {
  const code = reader.u8()
  if (code === 0) return { kind: 'deleted' }
  if (code !== 1) refuse('no such contents')
  const ttlMs = reader.varint()
  const contentType = reader.text(CONTENT_TYPE_BYTES_MAX)
  if (!isContentType(contentType)) refuse('content type that no header can hold')
  const value = reader.sized(REGISTER_VALUE_BYTES_MAX)
  return { kind: 'value', value, contentType, ttlMs: ttlMs === 0 ? undefined : ttlMs }
}
