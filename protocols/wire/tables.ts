/** Closed tables from the first byte of a thing to the function that reads the rest. A kind without a row does not compile. */
import { refuse } from './bytes.ts'
import type { ByteReader } from './bytes.ts'

/** Which byte stands for which member of a union. */
export type Codes<Union extends { readonly kind: string }> = { readonly [Kind in Union['kind']]: number }

/** One reader for each member of a union. */
export type Readers<Union extends { readonly kind: string }> = {
  readonly [Kind in Union['kind']]: (reader: ByteReader) => Extract<Union, { readonly kind: Kind }>
}

/** The readers at the places that their codes say. */
export function readersByCode<Union extends { readonly kind: string }>(
  codes: Codes<Union>,
  readers: Readers<Union>,
): readonly ((reader: ByteReader) => Union)[] {
  const table: ((reader: ByteReader) => Union)[] = []
  for (const kind of Object.keys(codes) as Union['kind'][]) table[codes[kind]] = readers[kind]
  return table
}

/** Reads one byte, and what it stands for. @throws MalformedBytes when it stands for nothing */
export function readByCode<Union>(reader: ByteReader, table: readonly ((reader: ByteReader) => Union)[]): Union {
  const code = reader.u8()
  const read = table[code]
  return read === undefined ? refuse(`no such kind: ${code}`) : read(reader)
}
