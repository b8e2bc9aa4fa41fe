/**
 * What commands and queries mean, apart from where it is kept. A command reads and writes keys, and
 * does at every replica the same: by the command, by what it reads, and by nothing else. Whatever
 * it throws undoes it.
 */
import type { Soon } from './cells.ts'

/** Bytes of a key in UTF-8. */
const KEY_BYTES_MAX = 1_024
/** Bytes of a value. */
const VALUE_BYTES_MAX = 1_048_576

export interface MachineView {
  get(key: string): Soon<Uint8Array | undefined>
  /** Those whose keys begin with the prefix, in the order of UTF-8. */
  range(prefix: string): AsyncIterable<{ readonly key: string; readonly value: Uint8Array }>
}

export interface MachineState extends MachineView {
  /**
   * Seen by what is read afterwards. @param value undefined removes the key
   *
   * @throws Rejected for a key that is empty, no text, or too long, and for a value that is too
   * large
   */
  put(key: string, value: Uint8Array | undefined): void
}

/** Where a command stands: the same at every replica, so it may be what a command goes by. */
export interface Place {
  readonly index: number
  /** The log's clock, in milliseconds since 1970. It never goes back. */
  readonly atMs: number
}

export interface Machine {
  /**
   * @returns the result, which is told as JSON; undefined for none
   * @throws Rejected for a fault of the command. Anything else is taken for a fault of the store:
   * the command is tried again until it succeeds
   */
  apply(command: Uint8Array, state: MachineState, place: Place): Soon<unknown>
  /**
   * Changes nothing.
   *
   * @returns what is told as JSON
   * @throws NotAQuery for what it does not understand
   */
  query(query: Uint8Array, view: MachineView): Soon<unknown>
}

/** A fault of a command, the same at every replica. */
export class Rejected extends Error {
  static override readonly name = 'Rejected'
  override readonly name = 'Rejected'
  /** What kind of fault it is, as `syntax`, `type` or `constraint`. */
  readonly class: string
  readonly code: string

  /** @param named and the code: 1 to 64 of letters, digits and `.:_-` */
  constructor(named: string, code: string) {
    super(`${named}: ${code}`)
    if (!NAME.test(named) || !NAME.test(code)) throw new RangeError(`${named} and ${code} are not short names`)
    this.class = named
    this.code = code
  }
}

const NAME = /^[\w.:-]{1,64}$/

/** @throws Rejected for what is no key */
export function checkKey(key: string): void {
  const bytes = Buffer.byteLength(key)
  if (bytes === 0 || bytes > KEY_BYTES_MAX || !key.isWellFormed()) throw new Rejected('constraint', 'no-key')
}

/** @throws Rejected for what is too large */
export function checkValue(bytes: number): void {
  if (bytes > VALUE_BYTES_MAX) throw new Rejected('constraint', 'value-too-large')
}
