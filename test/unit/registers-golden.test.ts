/**
 * Holds the specification of registers to the code. The golden bytes of its README are the only
 * copy. UPDATE_GOLDEN=1 writes them anew, to be reviewed as a change of the protocol.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { made } from '../../protocols/registers/judge.ts'
import type { ForwardedWrite } from '../../protocols/registers/judge.ts'
import { Marks } from '../../protocols/registers/marks.ts'
import { RegisterCodec } from '../../protocols/registers/messages.ts'
import type { RegisterMessage } from '../../protocols/registers/messages.ts'
import { stub } from '../../protocols/registers/record.ts'
import type { RegisterRecord } from '../../protocols/registers/record.ts'
import type { Condition, Contents } from '../../protocols/registers/requests.ts'
import { MalformedBytes } from '../../protocols/wire/malformed.ts'
import { sha256, utf8 } from '../../src/bytes.ts'
import { configOf, key, peer } from './core-harness.ts'

const README = new URL('../../protocols/registers/README.md', import.meta.url)
const MARK = '<!-- golden -->\n'
const codec = new RegisterCodec(utf8)
const marks = new Marks(sha256, utf8)
const ballot = { epoch: 1, round: 300, by: peer('a') }

const first = written('w-1', { kind: 'value', value: utf8.encode('x'), contentType: 'text/plain', ttlMs: 60_000 }, undefined)
const second = written('w-2', { kind: 'deleted' }, first)

const NOTHING = { held: undefined, accepted: undefined, sweptTo: undefined, number: 0 }

const EXAMPLES: readonly (readonly [string, RegisterMessage])[] = [
  ['reserve', { kind: 'request', id: 7, target: peer('b'), body: { kind: 'reserve', key, ballot } }],
  ['commit', { kind: 'request', id: 7, target: peer('b'), body: { kind: 'commit', key, ballot, record: first } }],
  ['commit of a deletion', { kind: 'request', id: 7, target: peer('b'), body: { kind: 'commit', key, ballot, record: second } }],
  ['read, relayed', { kind: 'relay', id: 8, targets: [peer('b'), peer('c')], body: { kind: 'read', key, epoch: 1 } }],
  [
    'promised',
    {
      kind: 'reply',
      id: 7,
      vote: { sender: peer('b'), body: { kind: 'promised', ballot, shown: { ...NOTHING, held: { ballot, record: first } } } },
    },
  ],
  [
    'rejected',
    { kind: 'reply', id: 7, vote: { sender: peer('b'), body: { kind: 'rejected', ballot, higher: { ...ballot, round: 301 } } } },
  ],
  ['committed', { kind: 'reply', id: 7, vote: { sender: peer('b'), body: { kind: 'committed', ballot, version: 2 } } }],
  [
    'seen, after forgetting',
    {
      kind: 'relayed',
      id: 8,
      votes: [{ sender: peer('b'), body: { kind: 'seen', epoch: 1, shown: { ...NOTHING, sweptTo: ballot, number: 9 } } }],
    },
  ],
  [
    'moved, with a stub',
    { kind: 'reply', id: 7, vote: { sender: peer('b'), body: { kind: 'moved', ballot, held: { ballot, record: stub(9) } } } },
  ],
  [
    'stale',
    {
      kind: 'reply',
      id: 7,
      vote: { sender: peer('b'), body: { kind: 'stale', configs: [{ ...configOf(2, { c: ['a'] }), protocolMin: 1 }] } },
    },
  ],
  ['learn, to a voter', { kind: 'learn', key, ballot, version: 1, record: undefined, reaching: 'receiver' }],
  ['learn, to a learner', { kind: 'learn', key, ballot, version: 1, record: first, reaching: 'cluster' }],
  ['want', { kind: 'want', key }],
  ['bar', { kind: 'bar', ballot }],
  ['barred', { kind: 'barred', ballot }],
  ['swept', { kind: 'swept', ballot }],
  ['forward', { kind: 'forward', id: 9, key, ballot, write: forwarded({ kind: 'versions', versions: [1, 300] }) }],
  ['forward without a condition', { kind: 'forward', id: 9, key, ballot, write: forwarded(undefined) }],
  ['forwarded, applied', { kind: 'forwarded', id: 9, key, result: { kind: 'applied', version: 3, wasAbsent: true } }],
  ['forwarded, repeated', { kind: 'forwarded', id: 9, key, result: { kind: 'repeated', version: 3, wasAbsent: false, writtenAtMs: 5 } }],
  ['forwarded, refused', { kind: 'forwarded', id: 9, key, result: { kind: 'refused', current: first, number: 2 } }],
  ['forwarded, forgotten', { kind: 'forwarded', id: 9, key, result: { kind: 'forgotten', number: 2 } }],
  ['forwarded, dropped', { kind: 'forwarded', id: 9, key, result: { kind: 'dropped' } }],
]

function forwarded(condition: Condition | undefined): ForwardedWrite {
  const contents: Contents = { kind: 'value', value: utf8.encode('x'), contentType: 'text/plain', ttlMs: 60_000 }
  return { contents, condition, writeId: 'w-3', mark: marks.of(key, 'w-3', contents, condition), writtenAtMs: 1_700_000_000_000, after: 1 }
}

function written(writeId: string, contents: Contents, base: RegisterRecord | undefined): RegisterRecord {
  const mark = marks.of(key, writeId, contents, undefined)
  const write = { contents, condition: undefined, writeId, mark, writtenAtMs: 1_700_000_000_000, isMaybeRetry: false, after: undefined }
  return made(write, { base, number: base?.version ?? 0 })
}

function golden(): string {
  const rows = EXAMPLES.map(([name, message]) => `${name}\n  ${Buffer.from(codec.encode(message)).toString('hex')}`)
  return `\`\`\`\n${rows.join('\n')}\n\`\`\`\n`
}

if (process.env['UPDATE_GOLDEN'] === '1') {
  const [text = ''] = readFileSync(README, 'utf8').split(MARK)
  writeFileSync(README, `${text}${MARK}${golden()}`)
}

suite('messages of registers', () => {
  test('are the golden bytes of the specification', () => {
    assert.equal(readFileSync(README, 'utf8').split(MARK)[1], golden())
  })

  for (const [name, message] of EXAMPLES) {
    test(`${name} is read as it was written`, () => {
      const read = codec.decode(codec.encode(message))
      assert.equal(Buffer.from(codec.encode(read)).toString('hex'), Buffer.from(codec.encode(message)).toString('hex'))
      assert.equal(read.kind, message.kind)
    })
  }

  test('bytes that no peer writes are refused, wherever they are cut', () => {
    for (const [, message] of EXAMPLES) {
      const bytes = codec.encode(message)
      for (let length = 0; length < bytes.length; length += 1) assert.throws(() => codec.decode(bytes.subarray(0, length)), MalformedBytes)
      assert.throws(() => codec.decode(Uint8Array.from([...bytes, 0])), MalformedBytes)
    }
  })
})
