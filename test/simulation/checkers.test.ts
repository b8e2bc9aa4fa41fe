/** The parts of the simulator that its verdicts rest on, tried by themselves. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { identity } from '../../protocols/base/identity.ts'
import type { Identity, Incarnation, PeerId } from '../../protocols/base/identity.ts'
import { dataKey } from '../../protocols/base/register.ts'
import { acceptedWrite, ceilingWrite } from '../../protocols/base/persist.ts'
import type { AnyWrite } from '../../protocols/base/persist.ts'
import { Agenda } from './agenda.ts'
import { Chance } from './chance.ts'
import { SimulatedDisk } from './disk.ts'

const BY: Identity = identity('p' as PeerId, '0'.repeat(32) as Incarnation)

function accepted(key: string, round: number): AnyWrite {
  const record = { writeId: 'w', value: Uint8Array.of(1), contentType: 'text/plain', writtenAtMs: 0 }
  return acceptedWrite(dataKey(key), { ballot: { epoch: 0, round, by: BY }, record })
}

test('chance is the same for the same seed, and spread over its range', () => {
  const [a, b] = [new Chance(7), new Chance(7)]
  let sum = 0
  for (let draw = 0; draw < 10_000; draw += 1) {
    const value = a.number()
    assert.equal(value, b.number())
    sum += value
  }
  assert.ok(Math.abs(sum / 10_000 - 0.5) < 0.02)
  assert.notEqual(new Chance(8).number(), new Chance(7).number())
})

test('what is due first happens first, and in the order planned when due together', () => {
  const agenda = new Agenda()
  const seen: string[] = []
  const chance = new Chance(1)
  for (let count = 0; count < 200; count += 1) {
    const atMs = chance.below(20)
    agenda.at(atMs, () => seen.push(`${String(atMs).padStart(2, '0')} ${String(count).padStart(3, '0')}`))
  }
  agenda.runUntil(20)
  assert.equal(seen.length, 200)
  assert.deepEqual(seen, seen.toSorted())
})

test('a crash keeps what was synced and, of the rest, what it is told to keep', () => {
  const hardened: AnyWrite[] = []
  const disk = new SimulatedDisk((write) => hardened.push(write))
  const first = disk.write(accepted('a', 1))
  const second = disk.write(accepted('b', 1))
  disk.write(accepted('c', 1))
  disk.sync(first)
  assert.equal(
    disk.crash((sequence) => sequence === second),
    1,
  )
  assert.notEqual(disk.read(dataKey('a')), undefined)
  assert.notEqual(disk.read(dataKey('b')), undefined)
  assert.equal(disk.read(dataKey('c')), undefined)
  assert.equal(hardened.length, 2)
})

test('a crash keeps no barrier without all that was written before it, and nothing behind a lost one', () => {
  const disk = new SimulatedDisk(() => undefined)
  const lost = disk.write(accepted('a', 1))
  disk.write(ceilingWrite({ epoch: 3, round: 9 }))
  disk.write(accepted('b', 1))
  assert.equal(
    disk.crash((sequence) => sequence !== lost),
    3,
  )
  assert.deepEqual(disk.ceilingSynced, { epoch: 0, round: 0 })
  assert.equal(disk.read(dataKey('b')), undefined)
})

test('of two writes to one key the later stays, in whatever order they are synced', () => {
  const disk = new SimulatedDisk(() => undefined)
  const first = disk.write(accepted('a', 1))
  const second = disk.write(accepted('a', 2))
  disk.sync(second)
  disk.sync(first)
  assert.equal(disk.readSynced(dataKey('a'))?.accepted?.ballot.round, 2)
})
