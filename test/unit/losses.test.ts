/**
 * What one more loss would do, how far behind a peer is, and when a disk is short of room: said
 * while there is time.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { PeerId } from '../../protocols/base/identity.ts'
import { lossesThatHurt, standingAfter } from '../../src/losses.ts'
import { shortage } from '../../src/peer/disk-room.ts'
import { Lag } from '../../src/peer/lag.ts'
import { Warnings } from '../../src/peer/warnings.ts'

const GIB = 1_073_741_824

function cluster(voters: number, up: number = voters): { voters: number; up: number; needed: number } {
  return { voters, up, needed: Math.floor(voters / 2) + 1 }
}

suite('one more loss', () => {
  test('is not spoken of where it hurts nobody', () => {
    assert.deepEqual(lossesThatHurt({ berlin: cluster(3) }), [])
    assert.deepEqual(lossesThatHurt({ berlin: cluster(3), paris: cluster(3), rome: cluster(1) }), [])
    assert.deepEqual(lossesThatHurt({ berlin: cluster(1) }), [])
  })

  test('of a cluster of two, or of three with one away, is told', () => {
    for (const berlin of [cluster(2), cluster(3, 2)])
      assert.match(
        lossesThatHurt({ berlin }).join(),
        /^berlin stands no loss: 2 of its .* are needed; after one more no new key is taken anywhere$/,
      )
  })

  test('that the other clusters go on without is told so', () => {
    const told = lossesThatHurt({ berlin: cluster(3, 2), paris: cluster(3), rome: cluster(3) })
    assert.deepEqual(told.length, 1)
    assert.match(told[0] ?? '', /^berlin .* the other clusters go on without berlin$/)
  })

  test('of a cluster, where so many are gone that the rest is needed, is told of the network', () => {
    const told = lossesThatHurt({ berlin: cluster(3), paris: cluster(3), rome: cluster(3, 1) })
    assert.deepEqual(told, ['the network stands no loss of a cluster: 2 of 3 have a majority, and that many are needed'])
  })

  test('is not spoken of when a quorum is gone already', () => {
    assert.deepEqual(lossesThatHurt({ berlin: cluster(3, 1), paris: cluster(2) }), [])
  })

  test('is worked out for what a change would leave', () => {
    const peer = (id: string): { id: string; isUp: boolean } => ({ id, isUp: true })
    const now = { berlin: { voters: ['a', 'b', 'c'].map(peer), learners: [peer('d')] }, paris: { voters: [peer('e')], learners: [] } }
    assert.deepEqual(standingAfter(now, { add: ['d'], remove: ['a', 'b'], removeCluster: 'paris' }), { berlin: cluster(2) })
  })
})

suite('how far behind', () => {
  test('a peer is, in keys and in seconds since anybody had more', () => {
    const lag = new Lag()
    for (const [atMs, most] of [
      [0, 10],
      [5_000, 20],
      [10_000, 20],
      [15_000, 35],
    ] as const)
      lag.look(atMs, most)
    assert.deepEqual(lag.behind(20_000, 35), { keys: 0, seconds: 0 })
    assert.deepEqual(lag.behind(20_000, 20), { keys: 15, seconds: 5 })
    assert.deepEqual(lag.behind(20_000, 10), { keys: 25, seconds: 15 })
    assert.deepEqual(new Lag().behind(0, 5), { keys: 0, seconds: 0 })
  })
})

suite('a disk', () => {
  test('is told of while there is room yet, by its size', () => {
    assert.equal(shortage('/d', 6 * GIB, 1_000 * GIB), undefined)
    assert.match(shortage('/d', 4 * GIB, 1_000 * GIB) ?? '', /the disk of \/d is almost full: 4096 MiB are free/)
    assert.equal(shortage('/d', 2 * GIB, 20 * GIB), undefined)
    assert.match(shortage('/d', 0.5 * GIB, 20 * GIB) ?? '', /512 MiB/)
    assert.equal(shortage('/d', 1_500_000, 2_097_152), undefined)
  })
})

suite('a refusal', () => {
  const peer = 'peer' as PeerId

  test('is a warning for ten minutes, or until that peer works with this one', () => {
    const warnings = new Warnings()
    warnings.refused(peer, 'other secret', 0)
    assert.deepEqual(
      warnings.all(true, 600_000, () => false),
      ['refused peer: other secret'],
    )
    assert.deepEqual(
      warnings.all(true, 600_001, () => false),
      [],
    )
    warnings.refused(peer, 'other secret', 0)
    assert.deepEqual(
      warnings.all(true, 1, (peerId) => peerId === peer),
      [],
    )
  })
})
