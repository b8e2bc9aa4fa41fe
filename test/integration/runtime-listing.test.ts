/** What a peer lists of itself, while its store takes writes late. */
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { CoreNetwork } from './core-network.ts'
import type { CorePeer } from './core-network.ts'

const KEYS = ['a', 'b/1', 'b/2', 'b/3', 'c'] as const

let network: CoreNetwork
afterEach(() => network.close())

/** All pages of a listing, as keys. */
function pages(peer: CorePeer, prefix: string, limit: number): string[][] {
  const found: string[][] = []
  for (let after = '', more = true; more;) {
    const page = peer.runtime.list(prefix, after, limit)
    found.push(page.entries.map(({ key }) => key))
    after = found.at(-1)?.at(-1) ?? ''
    more = page.more
  }
  return found
}

describe('a listing of a peer', () => {
  it('has each key from the moment its put is answered, before the store has been given it', async () => {
    network = await CoreNetwork.of({ a: 3 })
    const peer = network.peer('a-1')
    let ahead = 0
    for (const key of KEYS.toReversed()) {
      assert.equal((await peer.put(key, `value of ${key}`)).kind, 'created')
      ahead += peer.held(key) === undefined ? 1 : 0
      const [page] = pages(peer, key, 1)
      assert.deepEqual(page, [key])
      assert.deepEqual(peer.runtime.count(key, '', 9), { count: 1, last: key, more: false })
    }
    assert.ok(ahead > 0, 'no key was answered before the store had it, so nothing was seen')
    assert.deepEqual(pages(peer, '', 10), [[...KEYS]])
    assert.deepEqual(peer.runtime.count('b/', 'b/1', 9), { count: 2, last: 'b/3', more: false })
    assert.deepEqual(pages(peer, '', 2), [['a', 'b/1'], ['b/2', 'b/3'], ['c']])
    assert.deepEqual(pages(peer, 'b/', 1), [['b/1'], ['b/2'], ['b/3']])
    assert.deepEqual(
      peer.runtime.list('', 'b/2', 10).entries.map(({ key }) => key),
      ['b/3', 'c'],
    )
  })
})
