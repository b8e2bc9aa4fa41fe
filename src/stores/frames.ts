/**
 * A backup as frames: each with its length, then an end, then the hash of all that was before it.
 * A store that must be held still meanwhile writes them into a file first: that takes no longer
 * than its own disk does, however slow whoever reads the backup is.
 */
import { createHash } from 'node:crypto'
import { createReadStream, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'

const LENGTH_BYTES = 4
/** In place of a length. */
const END = 0xff_ff_ff_ff
const HASH_BYTES = 32
/** Its owner alone. */
const PRIVATE = 0o600

/** Frames as one stream. */
export async function* framed(frames: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const hash = createHash('sha256')
  for await (const frame of frames) {
    const piece = Buffer.concat([lengthOf(frame.length), frame])
    hash.update(piece)
    yield piece
  }
  const end = lengthOf(END)
  yield Buffer.concat([end, hash.update(end).digest()])
}

/**
 * Writes a stream into a file and gives it as that. The file goes with its last reader, also when
 * the process is killed.
 *
 * @throws the reason that the disk gives
 */
export async function inFile(path: string, stream: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const file = await open(path, 'w+', PRIVATE)
  rmSync(path)
  try {
    await file.writeFile(stream)
  } catch (error) {
    await file.close()
    throw error
  }
  return createReadStream('', { fd: file, start: 0 })
}

/**
 * @throws Error when the stream is cut off or its hash differs; what was given until then is not to
 * be kept
 */
export async function* framesIn(stream: AsyncIterable<Uint8Array>): AsyncIterable<Buffer> {
  const hash = createHash('sha256')
  const pulled = new Pulled(stream)
  for (;;) {
    const length = await pulled.take(LENGTH_BYTES)
    hash.update(length)
    const count = length.readUInt32BE()
    if (count === END) break
    const frame = await pulled.take(count)
    hash.update(frame)
    yield frame
  }
  const told = await pulled.take(HASH_BYTES)
  if (!hash.digest().equals(told) || !(await pulled.isAtEnd())) throw new Error('the backup is damaged')
}

/** A stream, so many bytes at a time. */
class Pulled {
  readonly #pieces: AsyncIterator<Uint8Array>
  #held: Uint8Array[] = []
  #bytes = 0

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#pieces = stream[Symbol.asyncIterator]()
  }

  async take(count: number): Promise<Buffer> {
    while (this.#bytes < count) {
      if (!(await this.#pull())) throw new Error('the backup is cut off')
    }
    const all = Buffer.concat(this.#held)
    this.#held = [all.subarray(count)]
    this.#bytes -= count
    return all.subarray(0, count)
  }

  async isAtEnd(): Promise<boolean> {
    return this.#bytes === 0 && !(await this.#pull())
  }

  async #pull(): Promise<boolean> {
    const { done, value } = await this.#pieces.next()
    if (done === true) return false
    this.#held.push(value)
    this.#bytes += value.length
    return true
  }
}

function lengthOf(count: number): Buffer {
  const bytes = Buffer.alloc(LENGTH_BYTES)
  bytes.writeUInt32BE(count)
  return bytes
}
