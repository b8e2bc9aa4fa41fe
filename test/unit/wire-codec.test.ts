import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { ProtocolViolation } from '../../protocols/base/assert.ts'
import { identity } from '../../protocols/base/identity.ts'
import type { ClusterId, Incarnation, PeerId } from '../../protocols/base/identity.ts'
import { configKey, dataKey } from '../../protocols/base/register.ts'
import type { Config } from '../../protocols/base/config.ts'
import { MalformedBytes } from '../../protocols/wire/malformed.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { sha256, utf8 } from '../../src/bytes.ts'
import { ballot, config, greeting, networkId, peerA, peerB, record } from './wire-examples.ts'

const codec = new Codec(utf8)
const cluster = (id: string): ClusterId => id as ClusterId

test('equal configs are equal bytes, whatever the order they were built in', () => {
  const one: Config = {
    ...config,
    clusters: new Map([
      [cluster('b'), [peerB]],
      [cluster('a'), [peerA]],
    ]),
  }
  const other: Config = {
    ...config,
    clusters: new Map([
      [cluster('a'), [peerA]],
      [cluster('b'), [peerB]],
    ]),
  }
  assert.deepEqual(codec.encodeConfig(one), codec.encodeConfig(other))
  const forth = codec.encodeConfig({ ...config, clusters: new Map([[cluster('a'), [peerA, peerB]]]) })
  assert.deepEqual(codec.encodeConfig({ ...config, clusters: new Map([[cluster('a'), [peerB, peerA]]]) }), forth)
})

test('a config out of order, with a voter twice or with an empty cluster is refused', () => {
  const a = Buffer.from(
    codec.encodeConfig({
      ...config,
      clusters: new Map([
        [cluster('a'), [peerA]],
        [cluster('b'), [peerA]],
      ]),
    }),
  )
  assert.throws(() => codec.decodeConfig(replaced(a, '0161', '0163')), MalformedBytes)
  assert.throws(() => codec.decodeConfig(replaced(a, '0161', '0162')), MalformedBytes)
  const voters = Buffer.from(codec.encodeConfig({ ...config, clusters: new Map([[cluster('a'), [peerA, peerB]]]) }))
  assert.throws(() => codec.decodeConfig(replaced(voters, '706565722d61', '706565722d63')), MalformedBytes)
  const twins = [peerA, identity(peerA.peerId, '000102030405060708090a0b0c0d0eff' as Incarnation)]
  const twice = Buffer.from(codec.encodeConfig({ ...config, clusters: new Map([[cluster('a'), twins]]) }))
  assert.throws(() => codec.decodeConfig(replaced(twice, '0d0eff', '0d0e0f')), MalformedBytes)
  const hex = codec.encodeConfig({ ...config, clusters: new Map() })
  assert.throws(() => codec.decodeConfig(replaced(Buffer.from(hex), '010000', '010101610000')), MalformedBytes)
})

test('cluster ids of other characters or lengths are refused', () => {
  const bytes = Buffer.from(codec.encodeGreeting(greeting))
  assert.deepEqual(codec.decodeGreeting(bytes), greeting)
  for (const id of ['', 'a b', 'é', 'a/b', 'a\n', 'x'.repeat(65)]) {
    const text = Buffer.from(id)
    const encoded = Buffer.concat([Buffer.of(text.length), text]).toString('hex')
    assert.throws(() => codec.decodeGreeting(replaced(bytes, '0465617374', encoded)), MalformedBytes, id)
    assert.throws(() => codec.encodeGreeting({ ...greeting, clusterId: cluster(id) }), ProtocolViolation, id)
  }
})

test("a client's key that could pass for a config's is refused", () => {
  const bytes = Buffer.from(codec.encodeMessage({ kind: 'want', key: dataKey('k') }))
  for (const text of ['\u0000config/1', 'a\u0000b', '', 'x'.repeat(1025)]) {
    const sized = text.length < 128 ? Buffer.of(text.length) : Buffer.of((text.length & 0x7f) | 0x80, text.length >> 7)
    const encoded = Buffer.concat([Buffer.of(0), sized, Buffer.from(text)]).toString('hex')
    assert.throws(() => codec.decodeMessage(replaced(bytes, '00016b', encoded)), MalformedBytes, JSON.stringify(text))
  }
  for (const key of [dataKey(''), dataKey('x'.repeat(1025)), dataKey('é'.repeat(513))]) {
    assert.throws(() => codec.encodeMessage({ kind: 'want', key }), ProtocolViolation)
  }
  assert.deepEqual(codec.decodeMessage(codec.encodeMessage({ kind: 'want', key: configKey(7) })), { kind: 'want', key: configKey(7) })
})

test('keys, ids and types of the largest size come back', () => {
  const key = dataKey('é'.repeat(512))
  const largest = { ...record, writeId: 'w'.repeat(128), contentType: 't'.repeat(255) }
  const peer = identity('p'.repeat(128) as PeerId, peerA.incarnation)
  const message: Message = { kind: 'learn', key, ballot: { ...ballot, by: peer }, record: largest, spread: false }
  assert.deepEqual(codec.decodeMessage(codec.encodeMessage(message)), message)
  assert.deepEqual(codec.decodeMessage(codec.encodeMessage(message)), message)
})

test('a content type that no HTTP header can hold is refused wherever a record arrives', () => {
  const written = codec.encodeRecord({ ...record, contentType: 'text/plain' })
  assert.deepEqual(codec.decodeRecord(written).contentType, 'text/plain')
  const place = Buffer.from(written).indexOf('text/plain')
  for (const [character, isTaken] of [
    ['\t', true],
    ['\n', false],
    ['\r', false],
    ['\0', false],
    ['\x7f', false],
  ] as const) {
    const bytes = Buffer.from(written)
    bytes.write(character, place + 4, 'latin1')
    if (isTaken) assert.equal(codec.decodeRecord(bytes).contentType, `text${character}plain`)
    else assert.throws(() => codec.decodeRecord(bytes), MalformedBytes)
  }
  for (const contentType of ['text/pläin', 'a'.repeat(255), '']) {
    assert.equal(codec.decodeRecord(codec.encodeRecord({ ...record, contentType })).contentType, contentType)
  }
  for (const contentType of ['текст', 'a\nb', '\ud83d\ude00']) {
    assert.throws(() => codec.encodeRecord({ ...record, contentType }), ProtocolViolation)
  }
  const cyrillic = Buffer.concat([Buffer.from(written).subarray(0, place - 1), Buffer.from('\x0aтекст', 'utf8')])
  assert.throws(() => codec.decodeRecord(Buffer.concat([cyrillic, Buffer.from(written).subarray(place + 10)])), MalformedBytes)
})

test('lists beyond their bounds are refused on both sides', () => {
  const keys = Array.from({ length: 1025 }, (_, index) => dataKey(`k${index}`))
  assert.throws(() => codec.encodeMessage({ kind: 'records-wanted', id: 1, keys }), ProtocolViolation)
  const bytes = codec.encodeMessage({ kind: 'records-wanted', id: 1, keys: keys.slice(1) })
  assert.deepEqual(codec.decodeMessage(bytes), { kind: 'records-wanted', id: 1, keys: keys.slice(1) })
  assert.throws(() => codec.decodeMessage(replaced(Buffer.from(bytes), '8008', '8108')), MalformedBytes)
  const relay: Message = {
    kind: 'relay',
    id: 1,
    targets: Array.from({ length: 17 }, () => peerA),
    body: { kind: 'reserve', key: dataKey('k'), ballot },
  }
  assert.throws(() => codec.encodeMessage(relay), ProtocolViolation)
})

test('leaves, places and counts beyond those of the tree are refused', () => {
  assert.ok(codec.decodeMessage(Buffer.from('0f090001ffff0300', 'hex')))
  // One leaf too high; one leaf more than was asked for; one record more.
  for (const hex of ['0f09000180800400', '100900810200', '1209008108']) {
    assert.throws(() => codec.decodeMessage(Buffer.from(hex, 'hex')), MalformedBytes, hex)
  }
})

test('unknown kinds, bytes left over and flags other than 0 and 1 are refused', () => {
  for (const hex of ['15', 'ff', '', '0500016b00', '05', '05026b', '00']) {
    assert.throws(() => codec.decodeMessage(Buffer.from(hex, 'hex')), MalformedBytes, hex)
  }
  assert.throws(() => codec.decodeMessage(Buffer.from('060200', 'hex')), MalformedBytes)
  assert.throws(() => codec.decodeMessage(Buffer.from(`06010100${networkId}`, 'hex')), MalformedBytes)
})

test('an identity read twice is one object, and never that of other bytes', () => {
  const read = (peer: typeof peerA): unknown =>
    (codec.decodeMessage(codec.encodeMessage({ kind: 'covered', epoch: 1, sender: peer, sources: [] })) as { sender: unknown }).sender
  assert.equal(read(peerA), read(peerA))
  // The same end of the incarnation: the same place in the cache.
  const twin = identity(peerA.peerId, 'ff0102030405060708090a0b0c0d0e0f' as Incarnation)
  const other = identity('peer-c' as PeerId, peerA.incarnation)
  for (const peer of [peerA, twin, other, peerA, other, twin]) assert.deepEqual(read(peer), peer)
})

test('an identity read from memory that is used again stays what it was', () => {
  const bytes = Buffer.from(
    codec.encodeAccepted({ ballot: { ...ballot, by: identity('peer-reused' as PeerId, peerB.incarnation) }, record }),
  )
  const first = codec.decodeAccepted(bytes).ballot.by
  bytes.write('peer-REUSED', bytes.indexOf('peer-reused'))
  assert.equal(first.peerId, 'peer-reused')
  assert.equal(codec.decodeAccepted(bytes).ballot.by.peerId, 'peer-REUSED')
})

test('an encoding that an assertion cut short leaves nothing behind', () => {
  const whole = codec.encodeMessage({ kind: 'want', key: dataKey('k') })
  assert.throws(() => codec.encodeMessage({ kind: 'records-wanted', id: 1, keys: [dataKey('a'), dataKey('')] }), ProtocolViolation)
  assert.deepEqual(codec.encodeMessage({ kind: 'want', key: dataKey('k') }), whole)
})

test('a value read is a view of the bytes, not a copy', () => {
  const bytes = codec.encodeRecord(record)
  assert.equal(codec.decodeRecord(bytes).value.buffer, bytes.buffer)
})

test('a digest is the first 16 bytes of SHA-256 over key and record', () => {
  const expected = createHash('sha256').update(Buffer.from('00016b', 'hex')).update(codec.encodeRecord(record)).digest().subarray(0, 16)
  const digest = codec.recordDigest(sha256, dataKey('k'), record)
  assert.deepEqual(Buffer.from(digest), expected)
  assert.equal(digest.buffer.byteLength, 16)
})

test('records that differ in any field, or in their key, have different digests', () => {
  const variants = [
    record,
    { ...record, writeId: 'w-2' },
    { ...record, contentType: 'text/plais' },
    { ...record, writtenAtMs: 1 },
    { ...record, value: Uint8Array.of(1, 2) },
  ]
  const digests = [
    ...variants.map((one) => codec.recordDigest(sha256, dataKey('k'), one)),
    codec.recordDigest(sha256, dataKey('l'), record),
  ]
  assert.equal(new Set(digests.map((digest) => Buffer.from(digest).toString('hex'))).size, digests.length)
})

/** The bytes with the first occurrence of some of them, in hexadecimal, replaced. */
function replaced(bytes: Uint8Array, from: string, to: string): Uint8Array {
  const hex = Buffer.from(bytes).toString('hex')
  assert.ok(hex.includes(from), `${from} is in ${hex}`)
  return Buffer.from(hex.replace(from, to), 'hex')
}
