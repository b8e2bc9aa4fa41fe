/**
 * A backup of cells as a stream: each cell sized, then an empty name and the hash of all that was
 * before it.
 */
import { createHash } from 'node:crypto'
import { ByteReader } from '../../protocols/wire/reader.ts'
import { ByteWriter } from '../../protocols/wire/writer.ts'
import { utf8 } from '../bytes.ts'
import type { Cell, Picture } from './cells.ts'

/** Bytes of a piece, unless a single cell has more. */
const PIECE_BYTES = 65_536
const HASH_BYTES = 32
const NAME_BYTES_MAX = 2_048
const CELL_BYTES_MAX = 2_097_152

/** @param picture is ended when the stream ends, whole or not */
export async function* backupOf(picture: Picture, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const hash = createHash('sha256')
  const writer = new ByteWriter(utf8, 2 * PIECE_BYTES)
  try {
    for await (const { name, bytes } of picture.range('')) {
      writer.text(name)
      writer.sized(bytes)
      if (writer.length < PIECE_BYTES) continue
      signal.throwIfAborted()
      const piece = writer.finish()
      hash.update(piece)
      yield piece
    }
    writer.text('')
    const last = writer.finish()
    hash.update(last)
    yield last
    yield hash.digest()
  } finally {
    await picture.end()
  }
}

/**
 * @throws Error when the stream is cut off or its hash differs; what was given until then is not to
 * be kept
 */
export async function* cellsIn(stream: AsyncIterable<Uint8Array>): AsyncIterable<Cell> {
  const hash = createHash('sha256')
  let rest: Uint8Array = new Uint8Array()
  let isEnded = false
  for await (const piece of stream) {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece])
    for (let next = isEnded ? undefined : cellAt(rest); next !== undefined; next = isEnded ? undefined : cellAt(rest)) {
      hash.update(rest.subarray(0, next.end))
      rest = rest.subarray(next.end)
      if (next.cell === undefined) isEnded = true
      else yield next.cell
    }
  }
  if (!isEnded || rest.length !== HASH_BYTES || !hash.digest().equals(rest)) throw new Error('the backup is cut off or damaged')
}

/** The cell at the beginning, and where it ends; undefined until all of it has come. */
function cellAt(bytes: Uint8Array): { readonly cell: Cell | undefined; readonly end: number } | undefined {
  const reader = new ByteReader(bytes, utf8)
  try {
    const name = reader.text(NAME_BYTES_MAX)
    if (name === '') return { cell: undefined, end: reader.position }
    const value = reader.sized(CELL_BYTES_MAX).slice()
    return { cell: { name, bytes: value }, end: reader.position }
  } catch {
    // A damaged one never becomes whole, and is found at the end.
    return undefined
  }
}
