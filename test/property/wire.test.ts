import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { MalformedBytes } from '../../protocols/wire/malformed.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import { FRAME_BYTES_MAX, FrameReader, Frames } from '../../protocols/wire/frames.ts'
import type { Frame } from '../../protocols/wire/frames.ts'
import { utf8 } from '../../src/bytes.ts'
import { accepted, configs, greetings, messages, messagesByKind, records } from './wire-arbitraries.ts'

const codec = new Codec(utf8)
const frames = new Frames(codec)
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/**
 * The most that decoding may take, as a multiple of the input: objects and strings are larger than
 * their bytes.
 */
const MEMORY_MULTIPLE_MAX = 80

const decoders: readonly ((bytes: Uint8Array) => unknown)[] = [
  (bytes) => codec.decodeMessage(bytes),
  (bytes) => codec.decodeGreeting(bytes),
  (bytes) => codec.decodeConfig(bytes),
  (bytes) => codec.decodeRecord(bytes),
  (bytes) => codec.decodeAccepted(bytes),
  (bytes) => new FrameReader(codec, FRAME_BYTES_MAX).push(bytes),
]

for (const [kind, arbitrary] of messagesByKind) {
  test(`any ${kind} comes back`, () => {
    fc.assert(
      fc.property(arbitrary, (message) => assert.deepEqual(codec.decodeMessage(codec.encodeMessage(message)), message)),
      { numRuns: 60 },
    )
  })
}

test('any greeting, config, record and accepted record comes back', () => {
  fc.assert(
    fc.property(greetings, (value) => assert.deepEqual(codec.decodeGreeting(codec.encodeGreeting(value)), value)),
    { numRuns: 60 },
  )
  fc.assert(
    fc.property(configs, (value) => assert.deepEqual(codec.decodeConfig(codec.encodeConfig(value)), value)),
    { numRuns: 60 },
  )
  fc.assert(
    fc.property(records, (value) => assert.deepEqual(codec.decodeRecord(codec.encodeRecord(value)), value)),
    { numRuns: 60 },
  )
  fc.assert(
    fc.property(accepted, (value) => assert.deepEqual(codec.decodeAccepted(codec.encodeAccepted(value)), value)),
    { numRuns: 60 },
  )
})

test('whatever is read is written as the same bytes: each value has one encoding', () => {
  fc.assert(
    fc.property(messages, fc.nat(), fc.nat(255), (message, place, byte) => {
      const bytes = new Uint8Array(codec.encodeMessage(message))
      bytes[place % bytes.length] = byte
      const read = outcomeOf(() => codec.decodeMessage(bytes))
      if (read !== undefined) assert.deepEqual(codec.encodeMessage(read), bytes)
    }),
    { numRuns: 1_000 },
  )
})

test('random bytes are malformed or mean something, and nothing else happens', () => {
  const bytes = fc.uint8Array({ maxLength: 400 })
  // Small numbers are the codes, counts and lengths that lead deep into the readers.
  const low = fc.array(fc.oneof(fc.nat(20), fc.nat(255)), { maxLength: 400 }).map((numbers) => Uint8Array.from(numbers))
  fc.assert(
    fc.property(fc.oneof(bytes, low), (input) => {
      for (const decode of decoders) outcomeOf(() => decode(input))
    }),
    { numRuns: 2_000 },
  )
})

test('a message cut short or with bytes after it is malformed', () => {
  fc.assert(
    fc.property(messages, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 20 }), (message, cut, more) => {
      const bytes = codec.encodeMessage(message)
      assert.throws(() => codec.decodeMessage(bytes.subarray(0, cut % bytes.length)), MalformedBytes)
      assert.throws(() => codec.decodeMessage(Buffer.concat([bytes, more])), MalformedBytes)
    }),
    { numRuns: 300 },
  )
})

test('a greeting cut short is malformed, but for one that ends where its name would begin', () => {
  fc.assert(
    fc.property(greetings, fc.nat(), ({ name, ...nameless }, place) => {
      const bytes = codec.encodeGreeting(name === undefined ? nameless : { ...nameless, name })
      const cut = place % bytes.length
      const decode = (): unknown => codec.decodeGreeting(bytes.subarray(0, cut))
      if (cut === codec.encodeGreeting(nameless).length) assert.deepEqual(decode(), nameless)
      else assert.throws(decode, MalformedBytes)
    }),
    { numRuns: 1_000 },
  )
})

test('flipped bits make malformed bytes or another message, and nothing else happens', () => {
  const flips = fc.array(fc.tuple(fc.nat(), fc.nat(7)), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(messages, greetings, flips, (message, greeting, places) => {
      for (const stream of [...frames.messages(1, [message, message]), frames.greeting(greeting)]) {
        const bytes = new Uint8Array(stream)
        for (const [place, bit] of places) bytes[place % bytes.length] = (bytes[place % bytes.length] as number) ^ (1 << bit)
        for (const decode of decoders) outcomeOf(() => decode(bytes))
        outcomeOf(() => codec.decodeMessage(bytes.subarray(6)))
      }
    }),
    { numRuns: 300 },
  )
})

test('frames cut at any places decode the same', () => {
  fc.assert(
    fc.property(greetings, fc.array(messages, { maxLength: 6 }), fc.array(fc.nat(), { maxLength: 12 }), (greeting, list, places) => {
      const stream = Buffer.concat([frames.greeting(greeting), ...frames.messages(3, list), ...frames.messages(4, list)])
      const cuts = [0, ...places.map((place) => place % stream.length), stream.length].toSorted((a, b) => a - b)
      const reader = new FrameReader(codec, FRAME_BYTES_MAX)
      const read: Frame[] = cuts.slice(1).flatMap((cut, index) => reader.push(stream.subarray(cuts[index], cut)))
      const told = list.length === 0 ? [] : [3, 4].map((round) => ({ kind: 'messages', round, messages: list }))
      assert.deepEqual(read, [{ kind: 'greeting', greeting }, ...told])
    }),
    { numRuns: 150 },
  )
})

test('decoding takes memory of a small multiple of the input', () => {
  const size = 60_000
  const count = (value: number): number[] => [(value & 0x7f) | 0x80, value >> 7]
  const inputs = [
    // The smallest messages, as many as a frame of this size carries.
    framed([2, 0, ...Array.from({ length: size / 3 }, () => [2, 7, 0]).flat()]),
    // Lists of the smallest entries.
    framed([2, 0, ...sized([15, 0, 0, ...count(256), ...Array.from({ length: 256 }, () => 0), 0])]),
    framed([2, 0, ...sized([12, 0, ...count(1024), ...Array.from({ length: 1024 }, () => [1, 0]).flat(), 0])]),
    // Counts and lengths that promise what does not come.
    framed([2, 0, ...sized([17, 0, ...count(1024)])]),
    framed([2, 0, ...sized([18, 0, ...count(1024), 0, 1, 107, 1, 119, 0, 0, 0xff, 0xff, 0xff, 0x07])]),
  ]
  for (const input of inputs) {
    const many = Array.from({ length: Math.ceil(2_000_000 / input.length) }, () => input)
    collectGarbage()
    const before = bytesInUse()
    const kept = many.map((bytes) => outcomeOf(() => new FrameReader(codec, FRAME_BYTES_MAX).push(bytes)))
    const taken = bytesInUse() - before
    assert.ok(taken < 2_000_000 * MEMORY_MULTIPLE_MAX, `${taken} bytes for ${kept.length} inputs of ${input.length}`)
  }
})

/**
 * What came of reading, or undefined when the bytes were refused. @throws whatever is not
 * MalformedBytes
 */
function outcomeOf<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}

function bytesInUse(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function sized(body: readonly number[]): number[] {
  assert.ok(body.length < 16_384)
  return body.length < 128 ? [body.length, ...body] : [(body.length & 0x7f) | 0x80, body.length >> 7, ...body]
}

function framed(body: readonly number[]): Uint8Array {
  const header = Buffer.alloc(4)
  header.writeUInt32BE(body.length)
  return Buffer.concat([header, Uint8Array.from(body)])
}
