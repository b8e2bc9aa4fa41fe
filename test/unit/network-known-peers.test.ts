import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PeerId } from '../../protocols/base/identity.ts'
import { peerIdOfAddress, withoutPeerId } from '../../src/network/addresses.ts'
import { HEARSAY_DIALS_PER_MINUTE, HearsayBudget } from '../../src/network/hearsay.ts'
import { HEARSAY_KEPT_MAX } from '../../src/network/known-addresses.ts'
import { FORGET_MS, KNOWN_PEERS_MAX, KnownPeers } from '../../src/network/known-peers.ts'
import { RETRY_LAST_MS, RETRY_POSTPONED_MS, RETRY_REFUSED_MS } from '../../src/network/retrying.ts'

const SELF = 'peer-m' as PeerId
const HIGHER = 'peer-z' as PeerId
const LOWER = 'peer-a' as PeerId
const ADDRESS = '/ip4/127.0.0.1/tcp/1'
const OTHER_ADDRESS = '/ip4/127.0.0.1/tcp/2'

function knownPeers(random: () => number = () => 0.999): KnownPeers {
  return new KnownPeers(SELF, random)
}

describe('peers worth dialling', () => {
  it('of two that hear of each other the lower id dials first', () => {
    const known = knownPeers()
    known.learn(HIGHER, [ADDRESS], 'heard', 0)
    known.learn(LOWER, [ADDRESS], 'heard', 0)
    assert.deepEqual(known.due(0), [HIGHER])
    assert.deepEqual(known.due(250), [HIGHER, LOWER])
  })

  it('a peer named on the command line is due at once, and before others', () => {
    const known = knownPeers()
    known.learn(HIGHER, [ADDRESS], 'heard', 0)
    known.learn(LOWER, [ADDRESS], 'given', 0)
    assert.deepEqual(known.due(0), [LOWER, HIGHER])
  })

  it('oneself, and a peer heard of without an address, are not taken', () => {
    const known = knownPeers()
    assert.equal(known.learn(SELF, [ADDRESS], 'given', 0), false)
    assert.equal(known.learn(HIGHER, [`/p2p/${HIGHER}`], 'heard', 0), false)
    assert.equal(known.nextDialAtMs(), Number.POSITIVE_INFINITY)
  })

  it('tries come ever more rarely, up to five seconds', () => {
    const known = knownPeers()
    known.learn(HIGHER, [ADDRESS], 'given', 0)
    const waits: number[] = []
    for (let nowMs = 0; waits.length < 7; nowMs = known.nextDialAtMs()) {
      known.tried(HIGHER, 'refused', nowMs)
      waits.push(Math.round((known.nextDialAtMs() - nowMs) / 100) * 100)
    }
    assert.deepEqual(waits, [400, 800, 1_600, 3_200, RETRY_LAST_MS, RETRY_LAST_MS, RETRY_LAST_MS])
  })

  it('chance spreads the tries between half the wait and the whole', () => {
    const [early, late] = [knownPeers(() => 0), knownPeers(() => 0.999)]
    for (const known of [early, late]) {
      known.learn(HIGHER, [ADDRESS], 'given', 0)
      known.tried(HIGHER, 'refused', 0)
    }
    assert.equal(early.nextDialAtMs(), 200)
    assert.ok(late.nextDialAtMs() > 399 && late.nextDialAtMs() < 400)
  })

  it('a peer merely heard of is forgotten after ten minutes without success, a member and a named one never', () => {
    const known = knownPeers()
    const member = 'peer-y' as PeerId
    known.learn(HIGHER, [ADDRESS], 'heard', 0)
    known.learn(member, [ADDRESS], 'member', 0)
    known.learn(LOWER, [ADDRESS], 'given', 0)
    for (const peerId of [HIGHER, member, LOWER]) known.tried(peerId, 'refused', FORGET_MS + 1)
    assert.equal(known.origin(HIGHER), undefined)
    assert.equal(known.origin(member), 'member')
    assert.equal(known.origin(LOWER), 'given')
  })

  it('while connected or being dialled a peer is not due', () => {
    const known = knownPeers()
    known.learn(HIGHER, [ADDRESS], 'heard', 0)
    known.dialling(HIGHER, 0)
    assert.deepEqual(known.due(1e9), [])
    known.connected(HIGHER, [ADDRESS], undefined, 10)
    known.tried(HIGHER, 'refused', 20)
    assert.deepEqual(known.due(1e9), [])
    known.disconnected(HIGHER, 1e9)
    assert.deepEqual(known.due(1e9 + 200), [HIGHER])
  })

  it('a peer that hangs up at once is tried more rarely each time', () => {
    const known = knownPeers()
    known.connected(HIGHER, [ADDRESS], undefined, 0)
    known.disconnected(HIGHER, 1)
    const firstMs = known.nextDialAtMs() - 1
    known.connected(HIGHER, [ADDRESS], undefined, 1_000)
    known.disconnected(HIGHER, 1_001)
    assert.ok(known.nextDialAtMs() - 1_001 > firstMs * 1.5)
  })

  it('a refused peer rests for half a minute, whatever is heard of it', () => {
    const known = knownPeers()
    known.learn(HIGHER, [ADDRESS], 'given', 0)
    known.refused(HIGHER, 'other network', 0)
    known.learn(HIGHER, [OTHER_ADDRESS], 'heard', 10)
    known.tried(HIGHER, 'refused', 20)
    assert.deepEqual(known.due(RETRY_REFUSED_MS - 1), [])
    assert.deepEqual(known.due(RETRY_REFUSED_MS), [HIGHER])
  })

  it('what a peer says of itself replaces what was heard; the address that worked comes first', () => {
    const known = knownPeers()
    known.learn(HIGHER, ['/ip4/10.0.0.1/tcp/9'], 'heard', 0)
    known.connected(HIGHER, [`${ADDRESS}/p2p/${HIGHER}`, OTHER_ADDRESS], `${OTHER_ADDRESS}/p2p/${HIGHER}`, 1)
    assert.deepEqual(known.members(), [{ peerId: HIGHER, addresses: [OTHER_ADDRESS, ADDRESS] }])
  })

  it('after each try that failed the next begins at other addresses, until each was the first or the second of one', () => {
    const addresses = Array.from({ length: 5 }, (_, index) => `/ip4/10.0.0.${index}/tcp/1`)
    const known = knownPeers()
    known.learn(HIGHER, addresses, 'given', 0)
    assert.deepEqual(known.addresses(HIGHER), addresses)
    const begun = new Set<string>()
    for (const _ of addresses) {
      const order = known.addresses(HIGHER)
      assert.deepEqual(order.toSorted(), addresses)
      for (const address of order.slice(0, 2)) begun.add(address)
      known.tried(HIGHER, 'timed out', 0)
    }
    assert.deepEqual([...begun].toSorted(), addresses)
  })

  it('addresses that lead to the machine itself come last, unless one of them worked', () => {
    const known = knownPeers()
    known.learn(HIGHER, [ADDRESS, '/ip6/::1/tcp/1', '/ip4/10.0.0.1/tcp/1'], 'heard', 0)
    assert.deepEqual(known.addresses(HIGHER), ['/ip4/10.0.0.1/tcp/1', ADDRESS, '/ip6/::1/tcp/1'])
    known.connected(HIGHER, [OTHER_ADDRESS, '/ip4/10.0.0.1/tcp/1', ADDRESS], ADDRESS, 0)
    assert.deepEqual(known.addresses(HIGHER), [ADDRESS, '/ip4/10.0.0.1/tcp/1', OTHER_ADDRESS])
  })

  it('strangers under ever new names do not fill the memory, nor push out who is connected or named', () => {
    const known = knownPeers()
    known.learn(LOWER, [ADDRESS], 'given', 0)
    known.connected(HIGHER, [ADDRESS], undefined, 1)
    for (let number = 0; number < 2 * KNOWN_PEERS_MAX; number += 1)
      known.connected(`stranger-${number}` as PeerId, [ADDRESS], undefined, 2 + number)
    for (let number = 0; number < 2 * KNOWN_PEERS_MAX; number += 1)
      known.learn(`heard-${number}` as PeerId, [ADDRESS], 'heard', 9_999 + number)
    assert.equal(known.origin(LOWER), 'given')
    assert.equal(known.origin(HIGHER), 'member')
    for (let number = 0; number < 2 * KNOWN_PEERS_MAX; number += 1) known.disconnected(`stranger-${number}` as PeerId, 20_000)
    known.learn('newcomer' as PeerId, [ADDRESS], 'heard', 30_000)
    assert.equal(known.origin('newcomer' as PeerId), 'heard')
  })
})

describe('peers that are wanted', () => {
  it('are due before those merely heard of, and are not optional', () => {
    const known = knownPeers()
    known.learn('peer-x' as PeerId, [ADDRESS], 'heard', 0)
    known.learn(HIGHER, [ADDRESS], 'heard', 0, true)
    assert.deepEqual(known.due(0), [HIGHER, 'peer-x'])
    assert.deepEqual([known.isOptional(HIGHER), known.isOptional('peer-x' as PeerId)], [false, true])
  })

  it('stay wanted when they are told of anew by somebody who does not know', () => {
    const known = knownPeers()
    known.learn(HIGHER, [ADDRESS], 'heard', 0, true)
    known.learn(HIGHER, [OTHER_ADDRESS], 'heard', 1)
    assert.equal(known.isOptional(HIGHER), false)
  })

  it('are not pushed out by strangers under ever new names', () => {
    const known = knownPeers()
    known.learn(HIGHER, [ADDRESS], 'heard', 0, true)
    for (let number = 0; number < 2 * KNOWN_PEERS_MAX; number += 1) known.learn(`heard-${number}` as PeerId, [ADDRESS], 'heard', number)
    assert.equal(known.origin(HIGHER), 'heard')
  })

  it('why a peer was not reached is known until it is, and whatever became of the last try', () => {
    const known = knownPeers()
    known.learn(HIGHER, [ADDRESS], 'given', 0)
    assert.equal(known.failure(HIGHER), undefined)
    known.tried(HIGHER, 'timed out', 10)
    known.refused(HIGHER, 'other network', 20)
    known.tried(HIGHER, undefined, 30)
    assert.equal(known.failure(HIGHER), 'other network')
    known.connected(HIGHER, [ADDRESS], undefined, 40)
    assert.equal(known.failure(HIGHER), undefined)
  })

  it('a member that nobody reached for a day is forgotten, one that votes or was named is not, and one that was removed at once', () => {
    const known = new KnownPeers(SELF, () => 0.5)
    const [voter, removed] = ['voter', 'removed'] as PeerId[]
    known.isKept = (peerId) => (peerId === voter ? 'always' : peerId === removed ? 'never' : 'for a time')
    known.learn(LOWER, [ADDRESS], 'given', 0)
    for (const peerId of [HIGHER, voter, removed]) known.connected(peerId as PeerId, [ADDRESS], undefined, 0)
    for (const peerId of [HIGHER, voter, removed]) known.disconnected(peerId as PeerId, 10)
    for (const peerId of [LOWER, HIGHER, voter, removed]) known.tried(peerId as PeerId, 'refused', 20)
    assert.deepEqual(
      known.members().map(({ peerId }) => peerId),
      [LOWER, HIGHER, voter],
    )
    for (const peerId of [LOWER, HIGHER, voter]) known.tried(peerId as PeerId, 'refused', 86_400_020)
    assert.deepEqual(
      known.members().map(({ peerId }) => peerId),
      [LOWER, voter],
    )
  })

  it('a peer put off is looked at again soon, and is never forgotten for it', () => {
    const known = knownPeers()
    known.learn(HIGHER, [ADDRESS], 'heard', 0)
    for (let nowMs = 0; nowMs <= 2 * FORGET_MS; nowMs += RETRY_POSTPONED_MS) {
      assert.deepEqual(known.due(nowMs), [HIGHER])
      known.postponed(HIGHER, nowMs)
      assert.deepEqual(known.due(nowMs), [])
    }
    assert.equal(known.failure(HIGHER), undefined)
  })
})

describe('what others say of where a peer is', () => {
  const proved = Array.from({ length: 3 }, (_, index) => `/ip4/10.0.0.${index}/tcp/1`)
  const lies = Array.from({ length: 16 }, (_, index) => `/ip4/10.9.9.${index}/tcp/1`)

  it('comes after what was proved, four at most, and is never written down', () => {
    const known = knownPeers()
    known.connected(HIGHER, proved, undefined, 0)
    known.disconnected(HIGHER, 10_000)
    known.learn(HIGHER, lies, 'heard', 10_001)
    assert.deepEqual(known.addresses(HIGHER), [...proved, ...lies.slice(0, HEARSAY_KEPT_MAX)])
    assert.deepEqual(known.members(), [{ peerId: HIGHER, addresses: proved }])
    known.connected(HIGHER, proved, undefined, 20_000)
    assert.deepEqual(known.addresses(HIGHER), proved)
  })

  it('pushes out no address of a peer that was named', () => {
    const known = knownPeers()
    known.learn(HIGHER, proved, 'given', 0)
    for (let round = 0; round < 10; round += 1) known.learn(HIGHER, lies.slice(round), 'heard', round)
    assert.deepEqual(known.addresses(HIGHER).slice(0, proved.length), proved)
    assert.deepEqual(known.members(), [{ peerId: HIGHER, addresses: proved }])
  })

  it('leads to thirty dials a minute at most, however many peers are invented', () => {
    const known = knownPeers()
    for (let number = 0; number < 1_000; number += 1) known.learn(`heard-${number}` as PeerId, [lies[number % 16] ?? ''], 'heard', 0)
    let dialled = 0
    for (let nowMs = 1_000; nowMs < 61_000; nowMs += 1_000) {
      for (const peerId of known.due(nowMs)) {
        const { addresses, hearsayCount } = known.dialling(peerId, nowMs)
        assert.equal(addresses.length, hearsayCount)
        dialled += hearsayCount
        known.tried(peerId, 'refused', nowMs)
      }
    }
    assert.equal(dialled, HEARSAY_DIALS_PER_MINUTE)
  })

  it('costs nothing when it turns out to be true, so that a network that forms is not held up', () => {
    const known = knownPeers()
    for (let number = 0; number < 200; number += 1) {
      const peerId = `heard-${number}` as PeerId
      known.learn(peerId, [ADDRESS], 'heard', 0, false, true)
      assert.deepEqual(known.dialling(peerId, 1).addresses, [ADDRESS])
      known.connected(peerId, [ADDRESS], ADDRESS, 1)
    }
  })

  it('does not keep from being dialled whom a member speaks of', () => {
    const known = knownPeers()
    for (let number = 0; number < 100; number += 1) {
      known.learn(`heard-${number}` as PeerId, [ADDRESS], 'heard', 0)
      known.dialling(`heard-${number}` as PeerId, 1)
    }
    known.learn(LOWER, [ADDRESS], 'heard', 0)
    assert.deepEqual(known.dialling(LOWER, 2).addresses, [])
    known.learn(HIGHER, [ADDRESS], 'heard', 0, false, true)
    assert.deepEqual(known.dialling(HIGHER, 2).addresses, [ADDRESS])
  })

  it('counts in any minute, and not from one full minute to the next', () => {
    const budget = new HearsayBudget()
    assert.equal(budget.take(20, 0), 20)
    assert.equal(budget.take(20, 59_000), 10)
    assert.equal(budget.take(20, 60_000), 20)
    budget.giveBack(5)
    assert.equal(budget.take(20, 60_001), 5)
  })
})

describe('an address where another member answers', () => {
  it('is that one, and no longer that of the peer that was sought there', () => {
    const known = knownPeers()
    known.learn(LOWER, [ADDRESS, OTHER_ADDRESS], 'member', 0)
    known.connected(HIGHER, [], ADDRESS, 1)
    assert.deepEqual(known.addresses(LOWER), [OTHER_ADDRESS])
  })

  it('stays with the peer when no other of it is known, for it may be free again', () => {
    const known = knownPeers()
    known.learn(LOWER, [ADDRESS], 'member', 0)
    known.connected(HIGHER, [], ADDRESS, 1)
    assert.deepEqual(known.addresses(LOWER), [ADDRESS])
  })
})

describe('multiaddrs with a peer id', () => {
  it('the peer id is the last part, when there is one', () => {
    assert.equal(peerIdOfAddress(`${ADDRESS}/p2p/${LOWER}`), LOWER)
    assert.equal(peerIdOfAddress(ADDRESS), undefined)
    assert.equal(withoutPeerId(`${ADDRESS}/p2p/${LOWER}`), ADDRESS)
    assert.equal(withoutPeerId(ADDRESS), ADDRESS)
  })
})
