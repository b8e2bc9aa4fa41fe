/**
 * Holds the README's specification to the code. Its golden bytes are the only copy: changing the
 * format fails here. UPDATE_GOLDEN=1 writes them anew, to be reviewed as a change of the protocol.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { REPLIES, REQUESTS } from '../../protocols/wire/agreement-messages.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import {
  ENTRIES_PER_FRAME_MAX,
  FRAME_BYTES_MAX,
  FRAME_BYTES_TARGET,
  FRAME_BYTES_UNPROVED_MAX,
  MESSAGES_PER_FRAME_MAX,
} from '../../protocols/wire/frames.ts'
import { MESSAGE_BYTES_MAX } from '../../protocols/base/limits.ts'
import { MESSAGE_TABLE } from '../../protocols/wire/messages.ts'
import { utf8 } from '../../src/bytes.ts'
import type { PeerId } from '../../protocols/base/identity.ts'
import { finishedAfter, jointAfter } from '../../protocols/config/successors.ts'
import { config, examples, joint, messages, shortened, shown } from './wire-examples.ts'

const README = new URL('../../protocols/wire/README.md', import.meta.url)
const MARK = '<!-- golden -->\n'
const codec = new Codec(utf8)

/** What was on disks and links before anybody could be barred; never written anew. */
const ALONE_BEFORE_BARS = 'a0a1a2a3a4a5a6a7a8a9aaabacadaeaf0100010104656173740106706565722d61000102030405060708090a0b0c0d0e0f00'
const JOINT_BEFORE_BARS =
  'a0a1a2a3a4a5a6a7a8a9aaabacadaeaf0200010104656173740106706565722d61000102030405060708090a0b0c0d0e0f01' +
  '0204656173740106706565722d61000102030405060708090a0b0c0d0e0f04776573740106706565722d62f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff'

if (process.env['UPDATE_GOLDEN'] === '1') {
  const [text = ''] = readFileSync(README, 'utf8').split(MARK)
  const rows = examples.map((example) => [example.name, shown(example.value), shortened(hexOf(example.encode(codec)))].join('\n  '))
  writeFileSync(README, `${text}${MARK}\`\`\`\n${rows.join('\n')}\n\`\`\`\n`)
}

const readme = readFileSync(README, 'utf8')
const golden = goldenRows(readme)

for (const [index, example] of examples.entries()) {
  test(`${example.name} has the bytes that the specification shows`, () => {
    const row = golden[index]
    assert.equal(row?.name, example.name)
    assert.equal(row.value, shown(example.value))
    assert.equal(hexOf(example.encode(codec)), row.hex)
    assert.deepEqual(example.decode(codec, Buffer.from(row.hex, 'hex')), example.value)
  })
}

test('the specification shows no bytes of anything else', () => {
  assert.equal(golden.length, examples.length)
})

test('a config that bars nobody has the bytes of before anybody could be barred, also once a bar was lifted', () => {
  const nobody = { peers: [], clusters: [] }
  const next = joint.next ?? new Map()
  assert.equal(hexOf(codec.encodeConfig(config)), ALONE_BEFORE_BARS)
  assert.equal(hexOf(codec.encodeConfig(jointAfter(config, next, nobody, 1))), JOINT_BEFORE_BARS)
  assert.deepEqual(codec.decodeConfig(Buffer.from(JOINT_BEFORE_BARS, 'hex')), joint)

  const barring = { ...config, epoch: -1, barred: { peers: ['peer-b' as PeerId], clusters: [] } }
  const lifted = finishedAfter(jointAfter(barring, config.clusters, nobody, 1), config.clusters)
  assert.equal(hexOf(codec.encodeConfig(lifted)), ALONE_BEFORE_BARS)
})

test('every kind of message has an example', () => {
  assert.deepEqual(new Set([...messages.values()].map((message) => message.kind)), new Set(Object.keys(MESSAGE_TABLE.codes)))
})

test('the tables of the specification give each kind the code that it has', () => {
  const rows = [...readme.matchAll(/^\| (\d+) \| ([a-z-]+) \|/gm)].map(([, code, kind]) => `${code} ${kind}`)
  const codes = [MESSAGE_TABLE.codes, REQUESTS.codes, REPLIES.codes].flatMap((table) =>
    Object.entries(table).map(([kind, code]) => `${code} ${kind}`),
  )
  assert.deepEqual(rows, codes)
})

test('the specification names the bounds of frames as they are', () => {
  for (const [name, bound] of Object.entries({
    ENTRIES_PER_FRAME_MAX,
    FRAME_BYTES_MAX,
    FRAME_BYTES_TARGET,
    FRAME_BYTES_UNPROVED_MAX,
    MESSAGES_PER_FRAME_MAX,
    MESSAGE_BYTES_MAX,
  })) {
    assert.match(readme, new RegExp(`${bound.toLocaleString('en')}[^(]*\\(\`${name}\`\\)`))
  }
})

function goldenRows(text: string): { name: string; value: string; hex: string }[] {
  const lines = (text.split(MARK)[1] ?? '').split('\n').filter((line) => line !== '' && !line.startsWith('```'))
  const rows: { name: string; value: string; hex: string }[] = []
  for (let index = 0; index + 2 < lines.length; index += 3) {
    const [name = '', value = '', hex = ''] = lines.slice(index, index + 3).map((line) => line.trim())
    rows.push({ name, value, hex: hex.replace(/\((..) x (\d+)\)/g, (_, byte: string, count: string) => byte.repeat(Number(count))) })
  }
  return rows
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
