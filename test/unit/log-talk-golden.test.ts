/**
 * Holds the specification of what peers say of logs, and of their births, to the code. The golden
 * bytes of its README are the only copy. UPDATE_GOLDEN=1 writes them anew, to be reviewed as a change
 * of the protocol.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { readBirth, writeBirth } from '../../protocols/log/birth.ts'
import type { Birth } from '../../protocols/log/birth.ts'
import type { SubmitId } from '../../protocols/log/entry.ts'
import { readTalk, writeTalk } from '../../protocols/log/talk.ts'
import type { Talk } from '../../protocols/log/talk.ts'
import { MalformedBytes } from '../../protocols/wire/malformed.ts'
import { ByteWriter } from '../../protocols/wire/writer.ts'
import { utf8 } from '../../src/bytes.ts'
import { peerA, peerB, shown } from './wire-examples.ts'

const README = new URL('../../protocols/log/README.md', import.meta.url)
const MARK = '<!-- golden of talk -->\n'
const END = '<!-- end of talk -->\n'
const LOG = '0123456789abcdef0123456789abcdef'
const AT = { term: 6, index: 302 }
const BYTES = Uint8Array.of(1, 2, 3)
const writer = new ByteWriter(utf8)
const VIEW = {
  peer: peerA,
  role: 'follower',
  state: 'stalled',
  generation: 1,
  term: 7,
  last: { term: 7, index: 305 },
  commit: 302,
  applied: 301,
  code: 'disk-full',
  digest: LOG,
} as const

const EXAMPLES: readonly Talk[] = [
  { kind: 'raft', message: { logId: LOG, generation: 0, from: peerA, to: peerB, term: 7, kind: 'transfer' } },
  { kind: 'offers', offers: [{ log: 'orders', store: 'kv', learns: true }] },
  {
    kind: 'ask',
    number: 9,
    logId: LOG,
    timeoutMs: 5_000,
    work: { kind: 'submit', submitId: 'order-1' as SubmitId, isNamedByClient: true, since: 300, command: BYTES },
  },
  { kind: 'ask', number: 9, logId: LOG, timeoutMs: 5_000, work: { kind: 'query', query: BYTES, consistency: { after: AT } } },
  { kind: 'ask', number: 9, logId: LOG, timeoutMs: 5_000, work: { kind: 'query', query: BYTES, consistency: 'linearizable' } },
  {
    kind: 'ask',
    number: 9,
    logId: LOG,
    timeoutMs: 5_000,
    work: {
      kind: 'change',
      changes: [
        { kind: 'voter', peer: peerA },
        { kind: 'remove', peer: peerB },
      ],
      isForced: false,
    },
  },
  { kind: 'ask', number: 9, logId: LOG, timeoutMs: 5_000, work: { kind: 'transfer', to: peerB } },
  { kind: 'ask', number: 9, logId: LOG, timeoutMs: 5_000, work: { kind: 'place', place: 'spread:3' } },
  { kind: 'ask', number: 9, logId: LOG, timeoutMs: 5_000, work: { kind: 'verdict', index: 302 } },
  { kind: 'ask', number: 9, logId: LOG, timeoutMs: 5_000, work: { kind: 'check' } },
  { kind: 'answer', number: 9, answer: { kind: 'outcome', position: AT, outcome: { kind: 'done', result: BYTES }, since: 300 } },
  { kind: 'answer', number: 9, answer: { kind: 'not-ordered', why: 'leader-changed', since: 300 } },
  { kind: 'answer', number: 9, answer: { kind: 'in-doubt', since: 300 } },
  { kind: 'answer', number: 9, answer: { kind: 'unavailable', why: 'stalled' } },
  { kind: 'answer', number: 9, answer: { kind: 'answered', position: AT, result: BYTES } },
  { kind: 'answer', number: 9, answer: { kind: 'not-a-query', detail: 'why' } },
  { kind: 'answer', number: 9, answer: { kind: 'result-too-large' } },
  { kind: 'answer', number: 9, answer: { kind: 'not-here' } },
  { kind: 'answer', number: 9, answer: { kind: 'changing' } },
  { kind: 'answer', number: 9, answer: { kind: 'changed' } },
  { kind: 'answer', number: 9, answer: { kind: 'not-changed', why: 'unreachable' } },
  { kind: 'answer', number: 9, answer: { kind: 'log-ended' } },
  { kind: 'state-wanted', number: 9, logId: LOG },
  { kind: 'state', number: 9, view: { ...VIEW, leader: peerB } },
  { kind: 'state', number: 9, view: { ...VIEW, leader: undefined } },
  { kind: 'piece', logId: LOG, transfer: 70, place: 1, position: AT, isLast: true, bytes: BYTES },
  { kind: 'piece-stored', logId: LOG, transfer: 70, place: 1 },
  { kind: 'taken', logId: LOG, transfer: 70, position: AT },
  { kind: 'taken', logId: LOG, transfer: 70, position: undefined },
  { kind: 'fill-wanted', logId: LOG, generation: 1, indexMin: 300 },
]

const BIRTH: Birth = {
  name: 'orders',
  life: 1,
  logId: LOG,
  generation: 0,
  store: 'kv',
  place: 'cluster:c1',
  electionMs: 1_000,
  voters: [peerA, peerB],
  isLeased: false,
}
const LEASED: Birth = { ...BIRTH, isLeased: true }

if (process.env['UPDATE_GOLDEN'] === '1') {
  const text = readFileSync(README, 'utf8')
  const rows = [...EXAMPLES.map((talk) => `${shown(talk)}\n  ${hexOf(writeTalk(talk, writer))}`), ...birthRows()]
  const before = text.slice(0, text.indexOf(MARK) + MARK.length)
  writeFileSync(README, `${before}\`\`\`\n${rows.join('\n')}\n\`\`\`\n${text.slice(text.indexOf(END))}`)
}

const readme = readFileSync(README, 'utf8')
const golden = readme
  .slice(readme.indexOf(MARK) + MARK.length, readme.indexOf(END))
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('```'))

for (const [place, talk] of EXAMPLES.entries()) {
  test(`${talk.kind} (${place}) has the bytes that the specification shows`, () => {
    assert.equal(golden[2 * place], shown(talk))
    const hex = golden[2 * place + 1]?.trim() ?? ''
    assert.equal(hexOf(writeTalk(talk, writer)), hex)
    assert.deepEqual(readTalk(Uint8Array.from(Buffer.from(hex, 'hex')), utf8), talk)
  })

  test(`${talk.kind} (${place}) that is cut off, or goes on, is refused`, () => {
    const bytes = writeTalk(talk, writer)
    for (let length = 0; length < bytes.length; length += 1)
      assert.throws(() => readTalk(bytes.subarray(0, length), utf8), MalformedBytes, `${length} bytes`)
    assert.throws(() => readTalk(Uint8Array.from([...bytes, 0]), utf8), MalformedBytes)
  })
}

test('a birth has the bytes that the specification shows, and one of a later format is not read', () => {
  assert.deepEqual(golden.slice(2 * EXAMPLES.length).join('\n'), birthRows().join('\n'))
  for (const birth of [BIRTH, LEASED]) {
    const bytes = writeBirth(birth, utf8)
    assert.deepEqual(readBirth('orders', 1, bytes, utf8), birth)
    assert.equal(readBirth('orders', 1, Uint8Array.of(3, ...bytes.subarray(1)), utf8), undefined)
  }
  const flagged = writeBirth(LEASED, utf8)
  assert.equal(readBirth('orders', 1, Uint8Array.of(...flagged.subarray(0, -1), 2), utf8), undefined)
})

function birthRows(): readonly string[] {
  return [BIRTH, LEASED].map((birth) => `${shown({ kind: 'birth', ...birth })}\n  ${hexOf(writeBirth(birth, utf8))}`)
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
