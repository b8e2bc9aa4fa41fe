/** Where the voters of a log should be, by a wish: who comes, who stays, who leaves. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { identity } from '../../protocols/base/identity.ts'
import type { ClusterId, Identity, Incarnation, PeerId } from '../../protocols/base/identity.ts'
import { firstMembers } from '../../protocols/log/membership.ts'
import { learnersToCome, placementChanges, readWish, wantedVoters } from '../../protocols/log/placement.ts'
import type { Placeable, Wish } from '../../protocols/log/placement.ts'

function peer(name: string): Identity {
  return identity(name as PeerId, name.charCodeAt(0).toString(16).padStart(32, '0') as Incarnation)
}

/** `a1` is peer a of cluster c1; `-` behind it: away, `?`: gone, `!`: lost. */
function around(text: string): Placeable[] {
  const standings = { '-': 'away', '?': 'gone', '!': 'lost' } as const
  return text.split(' ').map(([name = '', cluster = '', mark]) => ({
    peer: peer(name),
    clusterId: `c${cluster}` as ClusterId,
    standing: standings[mark as '-' | '?' | '!'] ?? 'able',
  }))
}

function changesOf(wish: string, voters: string, text: string): string {
  const changes = placementChanges(readWish(wish) as Wish, firstMembers(voters.split('').map(peer)), around(text))
  return changes.map(({ kind, peer: { peerId } }) => `${kind === 'voter' ? '+' : '-'}${peerId}`).join(' ')
}

suite('where the voters of a log are', () => {
  test('a wish is a cluster, a number to be spread, or peers', () => {
    assert.deepEqual(readWish('cluster:c1'), { kind: 'cluster', clusterId: 'c1' })
    assert.deepEqual(readWish('spread:5'), { kind: 'spread', count: 5 })
    assert.deepEqual(readWish('peers:a,b'), { kind: 'peers', peerIds: ['a', 'b'] })
    for (const bad of [
      '',
      'c1',
      'cluster:',
      'spread:2',
      'spread:8',
      'spread:x',
      'peers:',
      'peers:a,a',
      'peers:a,',
      'peers:a,b,c,d,e,f,g,h',
    ])
      assert.equal(readWish(bad), undefined, bad)
  })

  test('a cluster gets an odd number of voters, five at most, and keeps those it has', () => {
    assert.equal(changesOf('cluster:c1', 'a', 'a1 b1 c1 d2'), '+b +c')
    assert.equal(changesOf('cluster:c1', 'abc', 'a1 b1 c1 d1'), '')
    assert.equal(changesOf('cluster:c1', 'abc', 'a1 b1 c1 d1 e1 f1'), '+d +e')
    assert.equal(changesOf('cluster:c1', 'abcd', 'a1 b1 c1 d1'), '')
  })

  test('who was removed or lost its disk leaves at once, and waits for nobody', () => {
    assert.equal(changesOf('cluster:c1', 'abc', 'a1 b1 c1! d1'), '-c')
    assert.equal(changesOf('peers:a,b', 'abc', 'a1 b1 c1! d1'), '-c')
    assert.equal(changesOf('cluster:c1', 'ab', 'a1 b1 c1 d1'), '+c')
    assert.equal(changesOf('cluster:c1', 'c', 'a1 c1!'), '+a -c')
  })

  test('who is gone is replaced, and stays while nobody can take its place', () => {
    assert.equal(changesOf('cluster:c1', 'abc', 'a1 b1 c1? d1'), '+d -c')
    assert.equal(changesOf('cluster:c1', 'abc', 'a1 b1 c1? d2'), '')
    assert.equal(changesOf('cluster:c1', 'abc', 'a1 b1 c1- d1'), '')
    assert.equal(changesOf('peers:a,b,c', 'abc', 'a1 b1 c1? d1'), '')
  })

  test('spread voters are in no cluster half of all, and stay where that is so', () => {
    assert.equal(changesOf('spread:3', 'abc', 'a1 b1 c1 d2 e3'), '+d +e -b -c')
    assert.equal(changesOf('spread:5', 'abcde', 'a1 b1 c2 d2 e3 f4'), '')
    assert.equal(changesOf('spread:3', 'ade', 'a1 d2 e3? f3'), '+f -e')
    assert.equal(changesOf('spread:3', 'abc', 'a1 b1 c1 d2'), '+d -c')
  })

  test('a log that is to move keeps three voters until others are in place', () => {
    assert.equal(changesOf('cluster:c2', 'abc', 'a1 b1 c1 d2'), '+d -c')
    assert.equal(changesOf('cluster:c2', 'abc', 'a1 b1 c1 d2 e2 f2'), '+d +e +f -a -b -c')
    assert.equal(changesOf('cluster:c9', 'abc', 'a1 b1 c1'), '')
    assert.equal(changesOf('peers:d', 'abc', 'a1 b1 c1 d1'), '+d -a -b -c')
  })

  test('who wants a replica and has none becomes a learner, as far as it is there', () => {
    const standings = around('a1 b1 c1 d2 e2-')
    const wanting = standings.map((each) => ({ ...each, learns: ['b', 'c', 'd', 'e'].includes(each.peer.peerId) }))
    const members = firstMembers(
      [standings[0], standings[1]].map((each) => each?.peer as Identity),
      [standings[2]?.peer as Identity],
    )
    assert.deepEqual(learnersToCome(members, wanting), [{ kind: 'learner', peer: standings[3]?.peer }])
  })

  test('named peers are wanted as far as they are there', () => {
    const wish = readWish('peers:a,d') as Wish
    assert.deepEqual(
      wantedVoters(wish, [], around('a1 b1 d2')).map(({ peerId }) => peerId),
      ['a', 'd'],
    )
    assert.equal(changesOf('peers:a,d', 'ab', 'a1 b1 d2-'), '')
  })
})
