import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { PeerId } from '../../protocols/base/identity.ts'
import {
  Doors,
  GRACE_MS,
  UNPROVED_MAX,
  UNPROVED_MS,
  UNPROVED_PER_MEMBER_SOURCE_MAX,
  UNPROVED_PER_PEER_MAX,
  UNPROVED_PER_SOURCE_MAX,
} from '../../src/network/doors.ts'
import type { Visitor } from '../../src/network/doors.ts'
import { sourceOf } from '../../src/network/sources.ts'

const LOOK_MS = 250

describe('doors', () => {
  let doors: Doors
  let nowMs: number
  let cut: string[]
  let proved: Set<PeerId>
  let inUse: string | undefined
  beforeEach(() => {
    nowMs = 0
    cut = []
    proved = new Set()
    inUse = undefined
    doors = new Doors({
      isProved: (peerId) => proved.has(peerId),
      addressInUse: () => inUse,
      isOwnSource: (source) => source === 'own',
      turnedAway: () => {},
    })
  })

  let last = 0
  /** Undefined when it was not let in. */
  function come(source: string, peerId?: string): Visitor | undefined {
    last += 1
    const address = `${source}/${last}`
    const visitor: Visitor = { address, source, peerId: undefined, sinceMs: nowMs, cut: () => cut.push(address) }
    if (!doors.enter(visitor, nowMs)) return undefined
    if (peerId !== undefined) doors.named(visitor, peerId as PeerId, nowMs)
    return visitor
  }

  it('an unproved connection is cut before its time is over, and a proved one never', () => {
    const stranger = come('a')
    come('a', 'member')
    proved.add('member' as PeerId)
    nowMs = UNPROVED_MS - LOOK_MS
    doors.look(nowMs, LOOK_MS)
    assert.deepEqual(cut, [])
    nowMs += 1
    doors.look(nowMs, LOOK_MS)
    assert.deepEqual(cut, [stranger?.address])
    assert.equal(doors.counts.get('time'), 1)
  })

  it('a connection that was dialled has the same time', () => {
    doors.dialled({ address: 'x', source: undefined, peerId: 'p' as PeerId, sinceMs: 0, cut: () => cut.push('x') })
    doors.look(UNPROVED_MS, LOOK_MS)
    assert.deepEqual(cut, ['x'])
  })

  it('the connections of a peer whose proved stream has ended have their time anew', () => {
    come('a', 'member')
    nowMs = 60_000
    doors.lost('member' as PeerId, nowMs)
    doors.look(nowMs, LOOK_MS)
    assert.deepEqual(cut, [])
    doors.look(nowMs + UNPROVED_MS, LOOK_MS)
    assert.equal(cut.length, 1)
  })

  it('a source has so many unproved at once: who comes within a moment is turned away, later the oldest makes room', () => {
    const first = come('a')
    for (let count = 1; count < UNPROVED_PER_SOURCE_MAX; count += 1) assert.ok(come('a'))
    assert.equal(come('a'), undefined)
    assert.ok(come('b'))
    nowMs = GRACE_MS
    assert.ok(come('a'))
    assert.deepEqual(cut, [first?.address])
    assert.equal(doors.counts.get('source'), 2)
  })

  it('those that have proved themselves, or have gone, are not counted', () => {
    for (let count = 0; count < UNPROVED_PER_SOURCE_MAX; count += 1) come('a', `peer-${count}`)
    proved.add('peer-1' as PeerId)
    const next = come('a')
    assert.ok(next)
    assert.equal(come('a'), undefined)
    doors.left(next)
    assert.ok(come('a'))
  })

  for (const source of ['own', 'known']) {
    it(`who comes from a source of members (${source}) is let in past the bound of strangers, at once`, () => {
      doors.memberAt(['known', undefined])
      for (let count = 0; count < 2 * UNPROVED_PER_MEMBER_SOURCE_MAX; count += 1) assert.ok(come(source))
      assert.equal(doors.unproved().length, UNPROVED_PER_MEMBER_SOURCE_MAX)
      assert.equal(cut.length, UNPROVED_PER_MEMBER_SOURCE_MAX)
    })
  }

  it('strangers from many sources who fill the doors do not keep out one from a source of members', () => {
    doors.memberAt(['known'])
    for (let count = 0; count < UNPROVED_MAX; count += 1) assert.ok(come(`source-${count}`))
    assert.equal(come('another'), undefined)
    assert.ok(come('known'))
    assert.equal(cut.length, 1)
    assert.match(cut[0] ?? '', /^source-0/)
    assert.equal(doors.unproved().length, UNPROVED_MAX)
  })

  it('of one peer id the newest stay, and the connection in use', () => {
    for (let count = 0; count < UNPROVED_PER_PEER_MAX + 1; count += 1) {
      const visitor = come('own', 'p')
      inUse ??= visitor?.address
    }
    assert.equal(cut.length, 0)
    const more = [come('own', 'p'), come('own', 'p'), come('own', 'q')]
    assert.ok(more.every((visitor) => visitor !== undefined))
    assert.equal(cut.length, 2)
    assert.ok(!cut.includes(inUse ?? ''))
  })

  it('a warning says when strangers press, from where, and is gone a minute later; a few connections are no news', () => {
    for (let count = 0; count < 4; count += 1) come('a')
    nowMs = 5_000
    assert.equal(doors.pressure(nowMs), undefined)
    for (let count = 0; count < 40; count += 1) come('b')
    const [idle, away] = /(\d+) connections stand unproved, and (\d+) were/.exec(doors.pressure(nowMs) ?? '')?.slice(1) ?? []
    assert.deepEqual([idle, away], ['4', '24'])
    assert.match(doors.pressure(nowMs) ?? '', /most come from b/)
    nowMs += UNPROVED_MS
    doors.look(nowMs, LOOK_MS)
    nowMs += 60_000
    assert.equal(doors.pressure(nowMs), undefined)
  })
})

describe('the source of an address', () => {
  const cases: readonly (readonly [address: string, source: string | undefined])[] = [
    ['/ip4/192.0.2.7/tcp/4001/p2p/12D3KooW', '192.0.2.7'],
    ['/ip6/2001:db8:1:2:3:4:5:6/tcp/4001', '2001:db8:1:2::/64'],
    ['/ip6/2001:0DB8:1:2::9/tcp/1', '2001:db8:1:2::/64'],
    ['/ip6/::ffff:192.0.2.7/tcp/4001', '192.0.2.7'],
    ['/ip6/::ffff:c000:207/tcp/4001', '192.0.2.7'],
    ['/ip6/::1/tcp/4001', '0:0:0:0::/64'],
    ['/ip6zone/eth0/ip6/fe80::1/tcp/4001', 'fe80:0:0:0::/64'],
    ['/dns4/example.org/tcp/4001', undefined],
    ['/ip4/192.0.2.777/tcp/1', undefined],
    ['', undefined],
  ]
  for (const [address, source] of cases)
    it(`of ${address || 'nothing'} is ${source ?? 'none'}`, () => assert.equal(sourceOf(address), source))
})
