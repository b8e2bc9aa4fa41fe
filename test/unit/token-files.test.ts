/** Peers tell one another which token file is in force, so that people hear where they differ. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { PeerId } from '../../protocols/base/identity.ts'
import { worldOf } from './core-harness.ts'

const FINGERPRINT = '0123456789abcdef'
/** Less than between two heartbeats to a peer of another cluster. */
const SOON_MS = 3_000

suite('a heartbeat tells the token file of its sender', () => {
  test('to peers of every cluster, and soon after it has changed', () => {
    const world = worldOf({ c1: ['a', 'b'], c2: ['c', 'd'] })
    const told = (): unknown[] => ['b', 'c', 'd'].map((name) => world.get(name).core.roster.get('a' as PeerId)?.health?.tokens)
    world.advance(SOON_MS)
    assert.deepEqual(told(), [undefined, undefined, undefined])
    world.get('a').tokens = FINGERPRINT
    world.advance(SOON_MS)
    assert.deepEqual(told(), [FINGERPRINT, FINGERPRINT, FINGERPRINT])
    world.get('a').tokens = undefined
    world.advance(SOON_MS)
    assert.deepEqual(told(), [undefined, undefined, undefined])
  })
})
