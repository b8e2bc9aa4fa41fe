import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProtocolViolation } from '../../protocols/base/assert.ts'
import type { ClusterId, PeerId } from '../../protocols/base/identity.ts'
import { dataKey } from '../../protocols/base/register.ts'
import { MalformedBytes } from '../../protocols/wire/malformed.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import {
  ENTRIES_PER_FRAME_MAX,
  FRAME_BYTES_MAX,
  FRAME_BYTES_TARGET,
  FRAME_BYTES_UNPROVED_MAX,
  FrameReader,
  Frames,
  MESSAGES_PER_FRAME_MAX,
} from '../../protocols/wire/frames.ts'
import type { Frame } from '../../protocols/wire/frames.ts'
import { ADDRESSES_MAX, ROSTER_ENTRIES_MAX, VALUE_BYTES_MAX } from '../../protocols/base/limits.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import type { RosterEntry } from '../../protocols/wire/membership-messages.ts'
import type { Vote } from '../../protocols/wire/agreement-messages.ts'
import { utf8 } from '../../src/bytes.ts'
import { greeting, messages, peerA, record } from './wire-examples.ts'

const codec = new Codec(utf8)
const frames = new Frames(codec)
const want: Message = { kind: 'want', key: dataKey('k') }

test('every message comes back from frames, cut at every place', () => {
  const all = [...messages.values()]
  const stream = Buffer.concat([frames.greeting(greeting), frames.proof(Uint8Array.of(1)), ...frames.messages(5, all)])
  const expected: Frame[] = [
    { kind: 'greeting', greeting },
    { kind: 'proof', proof: Uint8Array.of(1) },
    { kind: 'messages', round: 5, messages: all },
  ]
  for (let cut = 0; cut <= stream.length; cut += 1) {
    const reader = new FrameReader(codec)
    assert.deepEqual([...reader.push(stream.subarray(0, cut)), ...reader.push(stream.subarray(cut))], expected)
  }
  const reader = new FrameReader(codec)
  assert.deepEqual(
    Array.from(stream).flatMap((byte) => reader.push(Uint8Array.of(byte))),
    expected,
  )
})

test('no messages make no frame', () => {
  assert.deepEqual(frames.messages(1, []), [])
})

test('messages share frames up to the target, in order, and a larger one has its own', () => {
  const sizes = [400_000, 400_000, 400_000, 10, 2_000_000, 10, 1_048_000, 600]
  const made = frames.messages(
    9,
    sizes.map((size) => learn(size)),
  )
  assert.deepEqual(
    made.flatMap((frame) => read(frame).map((message) => (message.kind === 'learn' ? message.record?.value.length : 0))),
    sizes,
  )
  assert.deepEqual(
    made.map((frame) => read(frame).length),
    [2, 2, 1, 2, 1],
  )
  for (const frame of made) assert.ok(frame.length <= FRAME_BYTES_TARGET || read(frame).length === 1)
})

test('a frame of exactly the target is not cut', () => {
  const alone = (frames.messages(9, [want, learn(1_000_000)])[0] as Uint8Array).length
  const fitting = 1_000_000 + FRAME_BYTES_TARGET - alone
  assert.deepEqual(
    frames.messages(9, [want, learn(fitting)]).map((frame) => frame.length),
    [FRAME_BYTES_TARGET],
  )
  assert.equal(frames.messages(9, [want, learn(fitting + 1)]).length, 2)
})

test('more messages than one frame may carry take two', () => {
  const made = frames.messages(
    1,
    Array.from({ length: MESSAGES_PER_FRAME_MAX + 1 }, () => want),
  )
  assert.deepEqual(
    made.map((frame) => read(frame).length),
    [MESSAGES_PER_FRAME_MAX, 1],
  )
  const body = Buffer.concat([Buffer.from('0201', 'hex'), Buffer.from('040500016b'.repeat(MESSAGES_PER_FRAME_MAX + 1), 'hex')])
  assert.throws(() => new FrameReader(codec, FRAME_BYTES_MAX).push(framed(body)), MalformedBytes)
})

test('rosters of more entries than one frame may carry take several, in order', () => {
  const rosters = Array.from({ length: 5 }, (_, index) => roster(index))
  const made = frames.messages(1, rosters)
  assert.ok(made.length > 1)
  for (const frame of made) {
    const held = read(frame).length * ROSTER_ENTRIES_MAX * (1 + ADDRESSES_MAX)
    assert.ok(held <= ENTRIES_PER_FRAME_MAX)
  }
  assert.deepEqual(
    made.flatMap((frame) => read(frame)),
    rosters,
  )
})

test('a frame with more entries of lists than several messages may hold is refused, and each of them alone is not', () => {
  const bodies = [0, 1, 2].map((index) => (frames.messages(1, [roster(index)])[0] as Uint8Array).subarray(6))
  const frameOf = (parts: readonly Uint8Array[]): Uint8Array => framed(Buffer.concat([Buffer.of(2, 1), ...parts]))
  for (const body of bodies) assert.equal(read(frameOf([body])).length, 1)
  assert.throws(() => read(frameOf(bodies)), MalformedBytes)
})

test('a frame above the target is refused unless one message alone fills it', () => {
  const bodies = [600_000, 600_000].map((size) => (frames.messages(1, [learn(size)])[0] as Uint8Array).subarray(6))
  assert.throws(() => read(framed(Buffer.concat([Buffer.of(2, 1), ...bodies]))), MalformedBytes)
  const alone = (frames.messages(1, [learn(2 * FRAME_BYTES_TARGET)])[0] as Uint8Array).subarray(6)
  const wanted = (frames.messages(1, [want])[0] as Uint8Array).subarray(6)
  for (const parts of [
    [alone, wanted],
    [wanted, alone],
  ]) {
    assert.throws(() => read(framed(Buffer.concat([Buffer.of(2, 1), ...parts]))), MalformedBytes)
  }
})

test('a message with the largest value passes', () => {
  const [frame] = frames.messages(Number.MAX_SAFE_INTEGER, [learn(VALUE_BYTES_MAX)])
  const [message] = read(frame as Uint8Array)
  assert.equal(message?.kind === 'learn' && message.record?.value.length, VALUE_BYTES_MAX)
})

test('votes whose values are too large for one message come as one message each', () => {
  const votes: Vote[] = [1, 2].map(() => ({
    sender: peerA,
    body: { kind: 'chosen', record: { ...record, value: new Uint8Array(9_000_000) } },
  }))
  const made = frames.messages(1, [want, { kind: 'relayed', id: 3, votes }, want]).flatMap((frame) => read(frame))
  assert.deepEqual(made, [want, ...votes.map((vote) => ({ kind: 'relayed', id: 3, votes: [vote] })), want])
})

test('a length beyond the limit is refused with its four bytes', () => {
  for (const [limit, length] of [
    [1000, 1001],
    [undefined, FRAME_BYTES_UNPROVED_MAX + 1],
    [FRAME_BYTES_MAX, FRAME_BYTES_MAX + 1],
    [Infinity, 0xffff_ffff],
  ] as const) {
    const reader = new FrameReader(codec, limit)
    const header = Buffer.alloc(4)
    header.writeUInt32BE(length)
    assert.deepEqual(reader.push(header.subarray(0, 3)), [])
    assert.throws(() => reader.push(header.subarray(3)), MalformedBytes)
    assert.throws(() => reader.push(frames.proof(Uint8Array.of(1))), MalformedBytes)
  }
  assert.throws(() => new FrameReader(codec).push(new Uint8Array(4)), MalformedBytes)
})

test('a large greeting or proof is refused with its type, whatever the limit', () => {
  for (const type of [0, 1, 9]) {
    const header = Buffer.alloc(5)
    header.writeUInt32BE(FRAME_BYTES_UNPROVED_MAX + 1)
    header[4] = type
    assert.throws(() => new FrameReader(codec, FRAME_BYTES_MAX).push(header), MalformedBytes)
  }
  assert.throws(() => frames.proof(new Uint8Array(FRAME_BYTES_UNPROVED_MAX)), ProtocolViolation)
})

test('the largest greeting passes', () => {
  const addresses = Array.from({ length: 16 }, () => 'a'.repeat(512))
  const made: Frame[] = new FrameReader(codec).push(frames.greeting({ ...greeting, addresses }))
  assert.deepEqual(made, [{ kind: 'greeting', greeting: { ...greeting, addresses } }])
})

test('large messages in one breath with a greeting pass, and the rest of them only when the limit was raised', () => {
  const stream = Buffer.concat([frames.greeting(greeting), ...frames.messages(1, [learn(20_000)])])
  assert.equal(new FrameReader(codec).push(stream).length, 2)
  const raised = new FrameReader(codec)
  assert.equal(raised.push(stream.subarray(0, 9_000)).length, 1)
  raised.frameBytesMax = FRAME_BYTES_MAX
  assert.equal(raised.push(stream.subarray(9_000)).length, 1)
  const left = new FrameReader(codec)
  assert.equal(left.push(stream.subarray(0, 9_000)).length, 1)
  assert.throws(() => left.push(stream.subarray(9_000)), MalformedBytes)
})

test('a stream that was malformed once is not read on', () => {
  const reader = new FrameReader(codec)
  assert.throws(() => reader.push(framed(Buffer.from('02008100', 'hex'))), MalformedBytes)
  assert.throws(() => reader.push(frames.proof(Uint8Array.of(1))), MalformedBytes)
})

test('types of frames that are not known are refused', () => {
  assert.throws(() => new FrameReader(codec).push(framed(Buffer.of(5))), MalformedBytes)
})

test('a nonce of another length, and a parting that is none, are refused', () => {
  for (const body of [Buffer.alloc(32, 3), Buffer.alloc(34, 3), Buffer.of(4), Buffer.of(4, 4), Buffer.of(4, 0, 0)]) {
    assert.throws(() => new FrameReader(codec).push(framed(body)), MalformedBytes)
  }
  assert.deepEqual(new FrameReader(codec).push(frames.parting('no secret')), [{ kind: 'parting', parting: 'no secret' }])
})

test('what was decoded stays when the chunk is used again', () => {
  const chunk = new Uint8Array(frames.messages(1, [learn(100)])[0] as Uint8Array)
  const [frame] = new FrameReader(codec, FRAME_BYTES_MAX).push(chunk)
  chunk.fill(0xff)
  assert.ok(
    frame?.kind === 'messages' && frame.messages[0]?.kind === 'learn' && frame.messages[0].record?.value.every((byte) => byte === 7),
  )
})

test('what was written stays when more is written', () => {
  const first = frames.messages(1, [learn(100)])[0] as Uint8Array
  const copy = new Uint8Array(first)
  for (let count = 0; count < 1_000; count += 1) frames.messages(2, [learn(count % 300 === 0 ? 100_000 : 200)])
  assert.deepEqual(first, copy)
})

test('an announced length costs no memory until its bytes arrive', () => {
  const before = process.memoryUsage().arrayBuffers
  const readers = Array.from({ length: 100 }, () => {
    const reader = new FrameReader(codec, FRAME_BYTES_MAX)
    const header = Buffer.alloc(6)
    header.writeUInt32BE(FRAME_BYTES_MAX)
    header[4] = 2
    reader.push(header)
    return reader
  })
  assert.ok(process.memoryUsage().arrayBuffers - before < 4_000_000, `${readers.length} readers`)
})

function learn(valueBytes: number): Message {
  return {
    kind: 'learn',
    key: dataKey('k'),
    ballot: undefined,
    record: { ...record, value: new Uint8Array(valueBytes).fill(7) },
    spread: false,
  }
}

function read(frame: Uint8Array): Message[] {
  const [decoded] = new FrameReader(codec, FRAME_BYTES_MAX).push(frame)
  assert.ok(decoded?.kind === 'messages')
  return decoded.messages
}

function framed(body: Uint8Array): Uint8Array {
  const header = Buffer.alloc(4)
  header.writeUInt32BE(body.length)
  return Buffer.concat([header, body])
}

/** As many entries as one message may hold, each with as many addresses as a peer may have. */
function roster(index: number): Message {
  const addresses = Array.from({ length: ADDRESSES_MAX }, (_, place) => `/ip4/10.0.${index}.${place}`)
  const entryOf = (_: unknown, place: number): RosterEntry => {
    return { peerId: `p${place}` as PeerId, clusterId: 'east' as ClusterId, addresses }
  }
  return { kind: 'roster', entries: Array.from({ length: ROSTER_ENTRIES_MAX }, entryOf) }
}
