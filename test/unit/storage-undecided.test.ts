import { acceptedWrite, chosenWrite, droppedWrite } from '../../protocols/base/persist.ts'
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Accepted } from '../../protocols/base/record.ts'
import { dataKey } from '../../protocols/base/register.ts'
import { Undecided } from '../../src/storage/undecided.ts'

function acceptedOf(bytes: number): Accepted {
  return { record: { value: new Uint8Array(bytes) } } as Accepted
}

it('an absent key is remembered as absent until something is written of it', () => {
  const undecided = new Undecided()
  const key = dataKey('k')
  undecided.absent(key)
  assert.deepEqual([undecided.has(key), undecided.get(key)], [true, undefined])
  const accepted = acceptedOf(1)
  undecided.wrote(acceptedWrite(key, accepted))
  assert.deepEqual(undecided.get(key), { accepted })
  undecided.wrote(droppedWrite(key))
  assert.equal(undecided.has(key), false)
})

it('a chosen key is not remembered, for the tables tell of it', () => {
  const undecided = new Undecided()
  const key = dataKey('k')
  undecided.wrote(acceptedWrite(key, acceptedOf(1)))
  undecided.wrote(chosenWrite(key, acceptedOf(1).record, new Uint8Array(16)))
  assert.equal(undecided.has(key), false)
})

it('neither many keys nor large values are remembered', () => {
  const undecided = new Undecided()
  const key = dataKey('large')
  undecided.absent(key)
  undecided.wrote(acceptedWrite(key, acceptedOf(1_000_000)))
  assert.equal(undecided.has(key), false)
  const keys = Array.from({ length: 10_000 }, (_, number) => dataKey(String(number)))
  for (const one of keys) undecided.absent(one)
  const remembered = keys.filter((one) => undecided.has(one))
  assert.ok(remembered.length > 0 && remembered.length <= 4_096)
  assert.equal(remembered.at(-1), keys.at(-1))
})
