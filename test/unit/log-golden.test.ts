/**
 * Holds the specification of logs to the code. Its golden bytes are the only copy: changing the
 * format fails here. UPDATE_GOLDEN=1 writes them anew, to be reviewed as a change of the protocol.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Entry, SubmitId } from '../../protocols/log/entry.ts'
import { firstMembers } from '../../protocols/log/membership.ts'
import type { MessageBody } from '../../protocols/log/message.ts'
import { LOG_MESSAGES, readLogMessage, writeLogMessage } from '../../protocols/log/messages.ts'
import { MalformedBytes } from '../../protocols/wire/malformed.ts'
import { utf8 } from '../../src/bytes.ts'
import { peerA, peerB, shown } from './wire-examples.ts'

const README = new URL('../../protocols/log/README.md', import.meta.url)
const MARK = '<!-- golden -->\n'
const HEADER = { logId: '0123456789abcdef0123456789abcdef', generation: 0, from: peerA, to: peerB, term: 7 }
const COMMAND = Uint8Array.of(1, 2, 3)
const NAME = 'n-order-1' as SubmitId
const joint = { ...firstMembers([peerA]), outgoing: [peerA, peerB], learnersNext: [peerB] }

const ENTRIES: readonly Entry[] = [
  { term: 6, index: 301, atMs: 1_700_000_000_000, body: { kind: 'began' } },
  { term: 6, index: 302, atMs: 1_700_000_000_001, body: { kind: 'command', submitId: NAME, since: 300, command: COMMAND } },
  { term: 7, index: 303, atMs: 1_700_000_000_002, body: { kind: 'members', members: joint } },
  { term: 7, index: 304, atMs: 1_700_000_000_003, body: { kind: 'verdict', index: 302, code: 'disk-full' } },
  { term: 7, index: 305, atMs: 1_700_000_000_004, body: { kind: 'unknown', code: 200, version: 0, bytes: COMMAND } },
  { term: 7, index: 306, atMs: 1_700_000_000_005, body: { kind: 'check', slice: 255 } },
]

const EXAMPLES: readonly MessageBody[] = [
  { kind: 'vote', last: { term: 6, index: 300 }, isTest: true, isHanded: false },
  { kind: 'voted', isTest: true, isGranted: true, wallMs: 1_700_000_000_000 },
  { kind: 'append', before: { term: 6, index: 300 }, commit: 299, entries: ENTRIES },
  { kind: 'appended', index: 305 },
  { kind: 'refused', before: 300, hint: { term: 5, index: 250 } },
  { kind: 'heartbeat', commit: 299, round: 12 },
  { kind: 'heard', round: 12, wallMs: 1_700_000_000_000, applied: 299, isStalled: false, lacksStore: true },
  { kind: 'read', number: 41, mayLease: true },
  { kind: 'read-at', number: 41, index: 299 },
  { kind: 'submit', start: 9_000, submits: [{ number: 1, submitId: NAME, since: 300, command: COMMAND }] },
  { kind: 'submitted', start: 9_000, refusal: 'overloaded', numbers: [1, 2] },
  {
    kind: 'results',
    start: 9_000,
    results: [
      { number: 1, position: { term: 6, index: 302 }, outcome: { kind: 'done', result: COMMAND } },
      { number: 2, position: { term: 6, index: 304 }, outcome: { kind: 'rejected', class: '23', code: '23505', isPartial: false } },
    ],
  },
  { kind: 'transfer' },
  { kind: 'ended' },
  { kind: 'checked', index: 306, digest: HEADER.logId },
  { kind: 'differs', index: 306 },
]

if (process.env['UPDATE_GOLDEN'] === '1') {
  const [text = ''] = readFileSync(README, 'utf8').split(MARK)
  const rows = EXAMPLES.map((body) => `${shown(body)}\n  ${hexOf(body)}`)
  writeFileSync(README, `${text}${MARK}\`\`\`\n${rows.join('\n')}\n\`\`\`\n`)
}

const readme = readFileSync(README, 'utf8')
const golden = (readme.split(MARK)[1] ?? '').split('\n').filter((line) => line !== '' && !line.startsWith('```'))

for (const [place, body] of EXAMPLES.entries()) {
  test(`${body.kind} has the bytes that the specification shows`, () => {
    assert.equal(golden[2 * place], shown(body))
    const hex = golden[2 * place + 1]?.trim() ?? ''
    assert.equal(hexOf(body), hex)
    assert.deepEqual(readLogMessage(utf8, Uint8Array.from(Buffer.from(hex, 'hex'))), { ...HEADER, ...body })
  })
}

test('the specification shows every kind, and no bytes of anything else', () => {
  assert.equal(golden.length, 2 * EXAMPLES.length)
  assert.deepEqual(new Set(EXAMPLES.map(({ kind }) => kind)), new Set(Object.keys(LOG_MESSAGES.codes)))
})

test('the table of the specification gives each kind the code that it has', () => {
  const rows = [...readme.matchAll(/^\| (\d+) \| ([a-z-]+) \|/gm)].map(([, code, kind]) => `${code} ${kind}`)
  assert.deepEqual(
    rows,
    Object.entries(LOG_MESSAGES.codes).map(([kind, code]) => `${code} ${kind}`),
  )
})

test('an append whose terms fall, and bytes that are cut off or too many, are refused', () => {
  const [first, , third] = ENTRIES as [Entry, Entry, Entry]
  const falling = { kind: 'append', before: { term: 7, index: 302 }, commit: 0, entries: [third, first] } as const
  assert.throws(() => readLogMessage(utf8, writeLogMessage(utf8, { ...HEADER, ...falling })), MalformedBytes)
  const bytes = writeLogMessage(utf8, { ...HEADER, kind: 'append', before: { term: 6, index: 300 }, commit: 299, entries: ENTRIES })
  for (let length = 0; length < bytes.length; length += 1)
    assert.throws(() => readLogMessage(utf8, bytes.subarray(0, length)), MalformedBytes)
  assert.throws(() => readLogMessage(utf8, Uint8Array.of(...bytes, 0)), MalformedBytes)
})

function hexOf(body: MessageBody): string {
  return Buffer.from(writeLogMessage(utf8, { ...HEADER, ...body })).toString('hex')
}
