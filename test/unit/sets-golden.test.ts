/**
 * Holds the specification of sets to the code. Its golden bytes are the only copy: changing the
 * format fails here. UPDATE_GOLDEN=1 writes them anew, to be reviewed as a change of the protocol.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { LEAVES } from '../../protocols/base/hash-tree.ts'
import { DiskRows } from '../../protocols/sets/disk-rows.ts'
import { keyOfElement } from '../../protocols/sets/element.ts'
import { FIRST_PLACE, LAST_PLACE, readSetsMessage, writeSetsMessage } from '../../protocols/sets/messages.ts'
import type { SetsMessage, Told } from '../../protocols/sets/messages.ts'
import { MalformedBytes } from '../../protocols/wire/malformed.ts'
import { ByteWriter } from '../../protocols/wire/writer.ts'
import { sha256, utf8 } from '../../src/bytes.ts'
import { peerA, shortened, shown } from './wire-examples.ts'

const writer = new ByteWriter(utf8)
const README = new URL('../../protocols/sets/README.md', import.meta.url)
const MARK = '<!-- golden -->\n'
const rows: readonly Told[] = [
  { key: keyOfElement(utf8.encode('"foo"')), added: 1_700_000_000_000, removed: -1 },
  { key: keyOfElement(utf8.encode('11')), added: 0, removed: 5 },
]
const cut = { number: 2, stamp: 1_600_000_000_000, bar: 1_600_000_000_001 }
const receipt = { to: peerA.peerId, id: 300 }

const messages: readonly SetsMessage[] = [
  { kind: 'changed', set: 'fleet', passOn: 'cluster', receipt: undefined, rows },
  { kind: 'changed', set: 'fleet', passOn: 'nobody', receipt, rows: [] },
  { kind: 'kept', receipt, keeper: peerA },
  { kind: 'standing', wallMs: 1_700_000_000_000, isWhole: true, cuts: 12_345 },
  { kind: 'sets-wanted' },
  { kind: 'sets', isWhole: true, sets: [{ set: 'fleet', cut: { number: 0, stamp: -1, bar: -1 } }] },
  { kind: 'bar-wanted', id: 7, set: 'fleet', number: 3, stamp: 1_600_000_000_000 },
  { kind: 'barred', id: 7, refusal: 'none', number: 2 },
  { kind: 'barred', id: 7, refusal: 'not-whole', number: 0 },
  { kind: 'whole-wanted', id: 8, set: 'fleet', after: FIRST_PLACE },
  { kind: 'whole-wanted', id: 8, set: 'fleet', after: { leaf: 300, key: '11' } },
  { kind: 'whole', id: 8, cut, to: LAST_PLACE, rows },
]

const disk = new DiskRows(utf8, sha256)
const digests = rows.map((row) => ({ name: disk.nameOf('fleet', row.key), row, bytes: disk.digestOf('fleet', row) }))
const examples = [
  ...messages.map((message) => ({ name: message.kind as string, value: shown(message), bytes: writeSetsMessage(writer, message) })),
  ...digests.map(({ name, row, bytes }) => ({ name: `digest of ${name}`, value: shown(row), bytes })),
]
const golden = examples
  .map(({ name, value, bytes }) => `${name}\n  ${value}\n  ${shortened(Buffer.from(bytes).toString('hex'))}`)
  .join('\n')

if (process.env['UPDATE_GOLDEN'] === '1') {
  const [text = ''] = readFileSync(README, 'utf8').split(MARK)
  writeFileSync(README, `${text}${MARK}\`\`\`\n${golden}\n\`\`\`\n`)
}

suite('the specification of sets', () => {
  const readme = readFileSync(README, 'utf8')

  test('shows the bytes of every kind of message, and the digests of rows', () => {
    assert.equal(readme.split(MARK)[1], `\`\`\`\n${golden}\n\`\`\`\n`)
    const codes = [...readme.matchAll(/^\| (\d+) \| ([a-z-]+) \|/gm)].map(([, code, kind]) => `${code} ${kind}`)
    const written = new Set(messages.map((message) => `${writeSetsMessage(writer, message)[0]} ${message.kind}`))
    assert.deepEqual([...written], codes)
  })

  test('messages come back from their bytes as they were', () => {
    for (const message of messages)
      assert.deepEqual(
        readSetsMessage(writeSetsMessage(writer, message), utf8, () => true),
        message,
      )
  })

  test('whatever no peer says is refused', () => {
    const whole = writeSetsMessage(writer, { kind: 'whole', id: 8, cut, to: LAST_PLACE, rows })
    const read = (bytes: Uint8Array) => (): SetsMessage => readSetsMessage(bytes, utf8, () => true)
    for (let length = 0; length < whole.length; length += 1) assert.throws(read(whole.subarray(0, length)), MalformedBytes)
    assert.throws(read(Uint8Array.of(...whole, 0)), MalformedBytes)
    assert.throws(read(Uint8Array.of(99)), MalformedBytes)
    assert.throws(read(writeSetsMessage(writer, { kind: 'bar-wanted', id: 1, set: 'a b', number: 1, stamp: 1 })), MalformedBytes)
    const beyond = { kind: 'whole-wanted', id: 1, set: 'a', after: { leaf: LEAVES + 1, key: '' } } as const
    assert.throws(read(writeSetsMessage(writer, beyond)), MalformedBytes)
    assert.throws(() => readSetsMessage(whole, utf8, (bytes) => bytes.length > 2), MalformedBytes)
  })
})
