/**
 * Makes bytes that are almost right out of bytes that are right. The same chance makes the same
 * bytes.
 */
import type { Chance } from '../../test/simulation/chance.ts'

/**
 * Values at the edges of what one byte can say: of a length, a flag, a code, the last byte of a
 * number.
 */
const EDGES = [0x00, 0x01, 0x02, 0x0a, 0x0d, 0x20, 0x7f, 0x80, 0xff]
/** Numbers at the edges of what seven bits a byte can say. */
const LONG_NUMBERS = ['ffffffff0f', 'ffffffffffffff0f', 'ffffffffffffffffff01', '808080808000', '8000', 'ff7f'].map((hex) =>
  Buffer.from(hex, 'hex'),
)
const CHANGES_MAX = 4
const REPEATS_MAX = 200
const BYTES_MAX = 60_000

type Mutation = (bytes: Buffer, chance: Chance, corpus: readonly Uint8Array[]) => Buffer

const MUTATIONS: readonly Mutation[] = [
  (bytes, chance) => withByte(bytes, chance.below(bytes.length), (byte) => byte ^ (1 << chance.below(8))),
  (bytes, chance) => withByte(bytes, chance.below(bytes.length), () => chance.pick(EDGES)),
  (bytes, chance) => withByte(bytes, chance.below(bytes.length), (byte) => byte + chance.pick([1, -1])),
  (bytes, chance) => insert(bytes, chance.below(bytes.length + 1), Buffer.from(chance.hex(2 * chance.between(1, 8)), 'hex')),
  (bytes, chance) => insert(bytes, chance.below(bytes.length + 1), chance.pick(LONG_NUMBERS)),
  (bytes, chance) => {
    const [from, to] = range(bytes, chance)
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
  },
  (bytes, chance) => {
    const [from, to] = range(bytes, chance)
    const times = chance.happens(0.1) ? chance.between(2, REPEATS_MAX) : 1
    return insert(bytes, to, Buffer.concat(Array.from({ length: times }, () => bytes.subarray(from, to))))
  },
  (bytes, chance) => bytes.subarray(0, chance.below(bytes.length + 1)),
  (bytes, chance, corpus) => {
    const other = chance.pick(corpus)
    return Buffer.concat([bytes.subarray(0, chance.below(bytes.length + 1)), other.subarray(chance.below(other.length + 1))])
  },
]

/** One of the corpus, changed in one to four places; now and then not at all. */
export function mutated(chance: Chance, corpus: readonly Uint8Array[]): Uint8Array {
  let bytes: Buffer = Buffer.from(chance.pick(corpus))
  for (let count = chance.below(CHANGES_MAX + 1); count > 0 && bytes.length > 0; count -= 1) {
    bytes = chance.pick(MUTATIONS)(bytes, chance, corpus).subarray(0, BYTES_MAX)
  }
  return bytes
}

function withByte(bytes: Buffer, at: number, change: (byte: number) => number): Buffer {
  const changed = Buffer.from(bytes)
  changed[at] = change(changed[at] ?? 0) & 0xff
  return changed
}

function insert(bytes: Buffer, at: number, added: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at)])
}

function range(bytes: Buffer, chance: Chance): readonly [number, number] {
  const from = chance.below(bytes.length)
  return [from, chance.between(from, Math.min(bytes.length, from + 64))]
}
