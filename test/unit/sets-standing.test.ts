/** How sets stand, as peers tell it: everybody has a turn, in other clusters too. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerId } from '../../protocols/base/identity.ts'
import type { SetsContext } from '../../protocols/sets/context.ts'
import { Standing } from '../../protocols/sets/standing.ts'

/**
 * A peer of c1, with so many of its cluster and of another one connected. @returns whom it tells,
 * each time
 */
function toldBy(near: number, far: number, times: number): ReadonlySet<string>[] {
  let told = new Set<string>()
  const names = (cluster: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${cluster}-${index}`)
  const context = {
    moment: { nowMs: 0 },
    wallMs: () => 0,
    roster: {
      clusterId: 'c1',
      clusterIds: () => ['c1', 'c2'],
      connectedOf: (cluster: string) => names(cluster, cluster === 'c1' ? near : far),
    },
    send: (to: PeerId) => told.add(to),
  }
  const standing = new Standing(context as unknown as SetsContext, { isWhole: true, cuts: 0 } as never, {} as never, {} as never)
  return Array.from({ length: times }, () => {
    told = new Set()
    standing.tellAll()
    return told
  })
}

test('each peer of another cluster is told in its turn, one at a time, however many they are', () => {
  for (const far of [1, 2, 3, 4, 16, 32]) {
    const rounds = toldBy(1, far, far)
    assert.deepEqual(new Set(rounds.flatMap((told) => [...told].filter((name) => name.startsWith('c2')))).size, far)
    assert(rounds.every((told) => [...told].filter((name) => name.startsWith('c2')).length === 1))
  }
})

test('each peer of a large cluster is told by its own, sixteen at a time', () => {
  const rounds = toldBy(48, 0, 3)
  assert.deepEqual(
    rounds.map((told) => told.size),
    [16, 16, 16],
  )
  assert.equal(new Set(rounds.flatMap((told) => [...told])).size, 48)
})
