import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProtocolViolation } from '../../protocols/base/assert.ts'
import { ByteReader } from '../../protocols/wire/reader.ts'
import { ByteWriter } from '../../protocols/wire/writer.ts'
import { MalformedBytes } from '../../protocols/wire/malformed.ts'
import { utf8 } from '../../src/bytes.ts'

test('a number has one form, and any longer one is refused', () => {
  assert.equal(reader('00').varint(), 0)
  assert.equal(reader('ffffffffffffff0f').varint(), Number.MAX_SAFE_INTEGER)
  for (const hex of ['8000', 'ff00', '808000', 'ffffffffffffff00']) assert.throws(() => reader(hex).varint(), MalformedBytes, hex)
})

test('a number above 2^53-1 is refused', () => {
  for (const hex of ['8080808080808010', 'ffffffffffffff10', 'ffffffffffffff7f', 'ffffffffffffffff01']) {
    assert.throws(() => reader(hex).varint(), MalformedBytes, hex)
  }
})

test('numbers around every change of length come back', () => {
  for (let power = 0; power <= 53; power += 1) {
    for (const value of [2 ** power - 1, 2 ** power, 2 ** power + 1].filter(Number.isSafeInteger)) {
      const writer = new ByteWriter(utf8)
      writer.varint(value)
      assert.equal(new ByteReader(writer.finish(), utf8).varint(), value)
    }
  }
})

test('a writer refuses numbers that its readers would refuse', () => {
  const writer = new ByteWriter(utf8)
  for (const value of [-1, 0.5, 2 ** 53, Number.NaN, Infinity]) assert.throws(() => writer.varint(value), ProtocolViolation, `${value}`)
  for (const value of [-1, 256, 1.5]) assert.throws(() => writer.u8(value), ProtocolViolation, `${value}`)
  for (const value of [-1, 2 ** 32, 1.5]) assert.throws(() => writer.u32(value), ProtocolViolation, `${value}`)
  for (const value of [Number.NaN, Infinity]) assert.throws(() => writer.f64(value), ProtocolViolation, `${value}`)
  for (const digits of ['0', 'AB', '0g', 'é0']) assert.throws(() => writer.hex(digits), ProtocolViolation, digits)
})

test('four bytes are big-endian and unsigned', () => {
  const writer = new ByteWriter(utf8)
  writer.u32(0xfedcba98)
  const bytes = writer.finish()
  assert.equal(hexOf(bytes), 'fedcba98')
  assert.equal(new ByteReader(bytes, utf8).u32(), 0xfedcba98)
})

test('text of any kind and length comes back', () => {
  const texts = [
    '',
    'a',
    'a'.repeat(63),
    'a'.repeat(64),
    'a'.repeat(65),
    'x'.repeat(127),
    'x'.repeat(128),
    'y'.repeat(5000),
    'aé',
    'é'.repeat(300),
    '漢字',
    '🦊',
    '\u0000',
  ]
  for (const text of [...texts, '\ufeff', '\ufeff\ufeffa', 'a\ufeff', `${'a'.repeat(100)}é`]) {
    const writer = new ByteWriter(utf8)
    writer.text(text)
    const bytes = writer.finish()
    assert.equal(new ByteReader(bytes, utf8).text(100_000), text)
    assert.equal(new ByteReader(bytes, utf8).textLike(text, 100_000), text)
    assert.equal(new ByteReader(bytes, utf8).textLike('application/json', 100_000), text)
  }
})

test('a leading U+FEFF counts, even where the UTF-8 codec drops it', () => {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const dropping = { encode: (text: string): Uint8Array => utf8.encode(text), decode: (bytes: Uint8Array): string => decoder.decode(bytes) }
  assert.equal(new ByteReader(Buffer.from('06efbbbfefbbbf', 'hex'), dropping).text(10), '\ufeff\ufeff')
})

test('text that is not UTF-8 is refused', () => {
  for (const hex of ['0180', '02c080', '03eda080', '04f4908080', '02c3']) assert.throws(() => reader(hex).text(10), MalformedBytes, hex)
})

test('a guess is taken only when the bytes are the same', () => {
  assert.equal(reader('0161').textLike('b', 10), 'a')
  // One byte 0xe9 is not the UTF-8 of the character U+00E9.
  assert.throws(() => reader('01e9').textLike('é', 10), MalformedBytes)
  assert.throws(() => reader('03616263').textLike('abc', 2), MalformedBytes)
  assert.throws(() => reader('036162').textLike('abc', 3), MalformedBytes)
})

test('reads beyond the end and beyond a bound are refused', () => {
  for (const read of [
    (bytes: ByteReader) => bytes.u8(),
    (bytes: ByteReader) => bytes.u32(),
    (bytes: ByteReader) => bytes.varint(),
    (bytes: ByteReader) => bytes.f64(),
    (bytes: ByteReader) => bytes.raw(1),
    (bytes: ByteReader) => bytes.hex(1),
    (bytes: ByteReader) => bytes.narrow(1),
  ]) {
    assert.throws(() => read(reader('')), MalformedBytes)
  }
  assert.throws(() => reader('020000').sized(1), MalformedBytes)
  assert.throws(() => reader('0200').sized(2), MalformedBytes)
  assert.throws(() => reader('026161').visible(1), MalformedBytes)
  assert.throws(() => reader('00').visible(1), MalformedBytes)
  for (const code of ['20', '7f', '0a', 'e9']) assert.throws(() => reader(`01${code}`).visible(1), MalformedBytes, code)
})

test('nothing may be left over, of the whole or of a part', () => {
  const bytes = reader('010203')
  const outer = bytes.narrow(2)
  bytes.u8()
  assert.throws(() => bytes.widen(outer), MalformedBytes)
  bytes.u8()
  assert.throws(() => bytes.u8(), MalformedBytes)
  bytes.widen(outer)
  assert.equal(bytes.remaining, 1)
  assert.throws(() => bytes.end(), MalformedBytes)
  bytes.u8()
  bytes.end()
})

test('an output is never written to again', () => {
  const writer = new ByteWriter(utf8, 8)
  const outputs: Uint8Array[] = []
  for (let value = 0; value < 100; value += 1) {
    for (let count = 0; count <= value % 20; count += 1) writer.u8(value)
    outputs.push(writer.finish())
    writer.raw(new Uint8Array(5))
    writer.clear()
  }
  for (const [value, output] of outputs.entries())
    assert.deepEqual(
      [...output],
      Array.from({ length: (value % 20) + 1 }, () => value),
    )
})

test('a small output does not keep the memory of a large one', () => {
  const writer = new ByteWriter(utf8, 1024)
  writer.raw(new Uint8Array(600_000))
  writer.u8(1)
  assert.equal(writer.finish().length, 600_001)
  writer.u8(1)
  assert.equal(writer.finish().buffer.byteLength, 1024)
})

test('a length written after its body stands in front of it, whatever it takes', () => {
  for (const length of [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152]) {
    const writer = new ByteWriter(utf8, 64)
    writer.u8(7)
    const mark = writer.openSized()
    writer.raw(new Uint8Array(length).fill(9))
    writer.closeSized(mark)
    writer.u8(8)
    const bytes = new ByteReader(writer.finish(), utf8)
    assert.equal(bytes.u8(), 7)
    const body = bytes.sized(length)
    assert.ok(body.length === length && body.every((byte) => byte === 9))
    assert.equal(bytes.u8(), 8)
    bytes.end()
  }
})

test('what is read from a Buffer is bare bytes', () => {
  assert.equal(new ByteReader(Buffer.from('0102', 'hex'), utf8).sized(1).constructor, Uint8Array)
})

function reader(hex: string): ByteReader {
  return new ByteReader(Buffer.from(hex, 'hex'), utf8)
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
