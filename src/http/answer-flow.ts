/**
 * An answer on its way to its client. A long one is handed to the system in pieces: how far a piece
 * is cannot be seen, so a whole answer in one would look as if it stood still until its end. What
 * is seen are the steps in which the system takes bytes, a third of its buffer at a time.
 */
import type { ServerResponse } from 'node:http'
import type { Flow } from './flows.ts'

/**
 * Bodies up to this size are written in one piece with the head; copying them costs less than a
 * second piece does.
 */
const JOINED_BYTES_MAX = 8_192
const PIECE_BYTES = 65_536

/**
 * Writes a body to its end, with the head.
 *
 * @param onCut called when the client reads too slowly; its connection is cut afterwards
 * @returns what is to be judged from now on; undefined when the system has taken all of it
 */
export function writeAnswer(response: ServerResponse, body: string | Uint8Array | undefined, onCut: () => void): Flow | undefined {
  if (body !== undefined && typeof body !== 'string' && body.length > JOINED_BYTES_MAX) {
    const flow = new AnswerFlow(response, onCut)
    flow.endFrom(body, 0)
    return isTaken(response) ? undefined : flow
  }
  if (body === undefined) response.end()
  // Text of one byte a character is the same in both encodings, and Latin-1 is the one that is
  // written without conversion.
  else if (typeof body === 'string') response.end(body, Buffer.byteLength(body) === body.length ? 'latin1' : 'utf8')
  else response.end(Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1'), 'latin1')
  return flowOf(response, onCut)
}

/**
 * What of a short answer is to be judged from now on; undefined when the system has taken all of
 * it.
 */
export function flowOf(response: ServerResponse, onCut: () => void): Flow | undefined {
  return isTaken(response) ? undefined : new AnswerFlow(response, onCut)
}

/**
 * Whether the system has taken all that was written. An answer behind others of its connection has
 * no socket yet.
 */
function isTaken({ socket }: ServerResponse): boolean {
  return socket !== null && socket.writableLength === 0
}

class AnswerFlow implements Flow {
  readonly #response: ServerResponse
  readonly #onCut: () => void
  #movedBytes = 0

  constructor(response: ServerResponse, onCut: () => void) {
    this.#response = response
    this.#onCut = onCut
  }

  /** An answer behind others of its connection has no socket yet: it is they who are judged. */
  get movedBytes(): number | undefined {
    return this.#response.socket === null ? undefined : this.#movedBytes
  }

  cut(): void {
    this.#onCut()
    this.#response.destroy()
  }

  /** Writes a long body from here to its end. */
  endFrom(body: Uint8Array, offset: number): void {
    const next = offset + PIECE_BYTES
    if (next >= body.length) return void this.#response.end(body.subarray(offset))
    this.#response.write(body.subarray(offset, next), (error) => {
      this.#movedBytes = next
      if (!error) this.endFrom(body, next)
    })
  }
}
