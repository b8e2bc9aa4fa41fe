/** Further types of data in a peer: whose message and whose request it is. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProtocolViolation } from '../../protocols/base/assert.ts'
import type { DataType } from '../../protocols/data-type.ts'
import { Types } from '../../protocols/types.ts'
import { peer } from './core-harness.ts'

function type(name: string, code: number, seen: string[]): DataType {
  return {
    name,
    code,
    told: (from, body) => seen.push(`${name} is told ${body.length} bytes by ${from.peerId}`),
    asked: ({ request }) => seen.push(`${name} is asked ${String(request)}`),
  }
}

test('a message goes to the type of its code, and one of a type that is not here is passed over', () => {
  const seen: string[] = []
  const { handles } = new Types([type('a', 1, seen), type('b', 2, seen)])
  for (const code of [2, 3, 1]) handles.typed(peer('x'), { kind: 'typed', type: code, body: new Uint8Array(code) })
  assert.deepEqual(seen, ['b is told 2 bytes by x', 'a is told 1 bytes by x'])
})

test('a request goes to the type of its name, and there is no request of a type that is not here', () => {
  const seen: string[] = []
  const { requests } = new Types([type('a', 1, seen)])
  const ask = (name: string): void => requests.typed({ kind: 'typed', type: name, client: 1, request: 'this', deadlineMs: 0 })
  ask('a')
  assert.deepEqual(seen, ['a is asked this'])
  assert.throws(() => ask('b'), ProtocolViolation)
})

test('two types go by different names and codes', () => {
  assert.throws(() => new Types([type('a', 1, []), type('a', 2, [])]), ProtocolViolation)
  assert.throws(() => new Types([type('a', 1, []), type('b', 1, [])]), ProtocolViolation)
})
