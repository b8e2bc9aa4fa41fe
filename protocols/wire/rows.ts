/**
 * Tables of messages. Each protocol has one: a row a kind, with its code and its two directions. A
 * kind without a row does not compile.
 */
import { assert } from '../base/assert.ts'
import { refuse } from './malformed.ts'
import type { ByteReader } from './reader.ts'
import type { ByteWriter } from './writer.ts'

/** How one kind of thing is written and read. */
export interface Row<Kind> {
  /** The first byte of it. A code that was ever in use keeps its meaning. */
  readonly code: number
  /** Writes what follows the code. */
  readonly write: (writer: ByteWriter, value: Kind) => void
  /** Reads what follows the code. @throws MalformedBytes */
  readonly read: (reader: ByteReader) => Kind
  /** The clients' values that it carries: they are what makes it large. Left out for none. */
  readonly values?: (value: Kind) => readonly Uint8Array[]
}

interface Kinded {
  readonly kind: string
}

/** One row for each member of a union. */
export type Rows<Union extends Kinded> = {
  readonly [Kind in Union['kind']]: Row<Extract<Union, { readonly kind: Kind }>>
}

const NO_VALUES: readonly Uint8Array[] = []

/** The rows of a union, found by kind and by code. */
export class Table<Union extends Kinded> {
  readonly #byKind: Readonly<Record<string, Row<Union>>>
  readonly #byCode: Row<Union>[] = []

  constructor(rows: Rows<Union>) {
    // Each is only ever given the member of its own kind, which the compiler cannot see for a
    // union.
    this.#byKind = rows as unknown as Readonly<Record<string, Row<Union>>>
    for (const row of Object.values(this.#byKind)) this.#byCode[row.code] = row
  }

  /** The code of each kind, in the order of the codes. */
  get codes(): Readonly<Record<string, number>> {
    const codes = Object.entries(this.#byKind).map(([kind, { code }]) => [kind, code] as const)
    return Object.fromEntries(codes.toSorted(([, a], [, b]) => a - b))
  }

  /** Writes the code and what follows. */
  write(writer: ByteWriter, value: Union): void {
    const row = this.#row(value)
    writer.u8(row.code)
    row.write(writer, value)
  }

  /** Reads the code and what follows. @throws MalformedBytes when the code stands for nothing */
  read(reader: ByteReader): Union {
    const code = reader.u8()
    const row = this.#byCode[code]
    return row === undefined ? refuse(`no such kind: ${code}`) : row.read(reader)
  }

  /** The clients' values that it carries. */
  values(value: Union): readonly Uint8Array[] {
    return this.#row(value).values?.(value) ?? NO_VALUES
  }

  #row(value: Union): Row<Union> {
    const row = this.#byKind[value.kind]
    if (row === undefined) assert(false, `no row for ${value.kind}`)
    return row
  }
}
