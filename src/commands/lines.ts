/**
 * Lines of a stream of bytes, each with its number and where it ends, so that reading can go on
 * behind any of them.
 */
import { CommandFailed } from './failed.ts'

export interface Line {
  readonly text: string
  /** From 1. */
  readonly number: number
  /** Where the next one begins, in bytes from the start. */
  readonly endBytes: number
}

const LINE_FEED = 0x0a
/** A value of 16 MiB in base64, its key and its names. */
const LINE_BYTES_MAX = 33_554_432

/**
 * @param linesBefore that were read earlier
 * @param bytesBefore of them
 * @throws CommandFailed when a line is longer than any key with its value
 */
export async function* linesFrom(
  stream: AsyncIterable<Uint8Array | string>,
  linesBefore: number,
  bytesBefore: number,
): AsyncGenerator<Line, void, undefined> {
  let rest: Buffer = Buffer.alloc(0)
  let number = linesBefore
  let endBytes = bytesBefore
  for await (const part of stream) {
    let bytes = Buffer.from(part as Uint8Array)
    if (rest.length > 0) bytes = Buffer.concat([rest, bytes])
    let start = 0
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      number += 1
      endBytes += end + 1 - start
      yield { text: bytes.toString('utf8', start, end), number, endBytes }
      start = end + 1
    }
    rest = bytes.subarray(start)
    if (rest.length > LINE_BYTES_MAX) throw new CommandFailed(`line ${number + 1} is longer than ${LINE_BYTES_MAX} bytes`)
  }
  if (rest.length > 0) yield { text: rest.toString('utf8'), number: number + 1, endBytes: endBytes + rest.length }
}
