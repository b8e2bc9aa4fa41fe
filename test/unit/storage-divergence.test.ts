/**
 * Two chosen records for one key must never be. Where they are nevertheless, the evidence outlives
 * the process.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dataKey } from '../../protocols/base/register.ts'
import { utf8 } from '../../src/bytes.ts'
import { configOf, key, persists, recordOf, worldOf } from './core-harness.ts'
import type { TestPeer, TestWorld } from './core-harness.ts'

const NAMES = { c1: ['a', 'b', 'c'] }

/** A key is stored as one, then peer a is told that it is another. */
function diverged(): { world: TestWorld; a: TestPeer; told: ReturnType<typeof persists> } {
  const world = worldOf(NAMES, [configOf(0, NAMES)])
  const a = world.get('a')
  assert.equal(world.outcome(a, world.put(a, 'one')).kind, 'created')
  const learn = { kind: 'learn', key, ballot: undefined, record: recordOf('another'), spread: false } as const
  const effects = a.step({ kind: 'message', from: world.get('b').identity, round: 0, message: learn })
  return { world, a, told: persists(effects) }
}

describe('a second chosen record for a key', () => {
  it('is persisted with the alarm, once, and leaves the first where it is', () => {
    const { world, a, told } = diverged()
    assert.deepEqual(
      told.map((write) => write.kind === 'diverged' && [write.key, utf8.decode(write.told.value)]),
      [[key, 'another']],
    )
    assert.equal(utf8.decode(a.read(key)?.chosen?.value as Uint8Array), 'one')
    const again = { kind: 'learn', key, ballot: undefined, record: recordOf('a third'), spread: false } as const
    assert.deepEqual(persists(a.step({ kind: 'message', from: world.get('b').identity, round: 0, message: again })), [])
    assert.equal(a.notes.filter((note) => note.kind === 'divergence').length, 1)
  })

  it('keeps the key from being served, also after a restart, and no other', () => {
    const { world, a } = diverged()
    assert.equal(world.outcome(a, world.put(a, 'x', { key: dataKey('other') })).kind, 'created')
    const answers = (): string[] => {
      const kinds = [world.read(a), world.read(a, { consistency: 'local' }), world.read(a, { key: dataKey('other') })]
      return kinds.map((client) => world.outcome(a, client).kind)
    }
    assert.deepEqual(answers(), ['unavailable', 'unavailable', 'found'])
    a.crash()
    a.restart()
    world.connectAll()
    world.reach('a is ready again', () => a.core.missing() === undefined)
    assert.equal(a.core.chosen.divergedCount, 1)
    assert.deepEqual(answers(), ['unavailable', 'unavailable', 'found'])
    assert.equal(utf8.decode(a.read(key)?.chosen?.value as Uint8Array), 'one')
  })
})
