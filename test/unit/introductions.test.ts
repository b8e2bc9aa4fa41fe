/** Who is told of whom. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { ClusterId, PeerId } from '../../protocols/base/identity.ts'
import { Quorum } from '../../protocols/base/quorum.ts'
import { Introductions } from '../../protocols/membership/introductions.ts'
import { CONNECTED_PEERS_MAX, Roster } from '../../protocols/membership/roster.ts'
import { Bench, clusters, network, peer, sends } from './core-harness.ts'

const MANY = CONNECTED_PEERS_MAX + 20

class Introducing extends Bench {
  readonly moment = { nowMs: 0 }
  readonly roster: Roster = new Roster('self' as PeerId, 'near' as ClusterId, this.moment, this.outbox)
  quorum = new Quorum([clusters({ near: ['self', 'voter'] })])
  readonly introductions: Introductions = new Introductions(this.outbox, this.roster, () => this.quorum)

  meet(name: string, cluster = 'far', address = `/dns/${name}`): void {
    const before = this.roster.get(name as PeerId)
    const said = { protocolMin: 1, protocolMax: 1, networkId: network, clusterId: cluster as ClusterId, identity: peer(name), epoch: 0 }
    const met = this.roster.greeted({ ...said, minPeers: 1, ceiling: { epoch: 0, round: 0 }, addresses: [address] })
    this.introductions.welcome(met)
    this.introductions.announce(met, before)
  }

  /** Meets many strangers, and lets all that follows from it be said. */
  meetMany(): void {
    for (let number = 0; number < MANY; number += 1) this.meet(`stranger ${number}`)
    this.told()
  }

  /** Who is told of whom from the last call up to the next tick. */
  told(): Record<string, string[]> {
    this.introductions.tick()
    const told: Record<string, string[]> = {}
    for (const { to, message } of sends(this.take())) {
      if (message.kind === 'roster') (told[to] ??= []).push(...message.entries.map(({ peerId }) => peerId))
    }
    return told
  }
}

suite('among few peers', () => {
  test('a newcomer is told of all that are not gone, and they are told of it', () => {
    const among = new Introducing()
    for (const name of ['a', 'b', 'gone']) among.meet(name)
    among.roster.lost('gone' as PeerId, 'closed')
    among.moment.nowMs += 30_100
    among.roster.tick(() => false)
    among.told()
    among.meet('c')
    assert.deepEqual(among.told(), { c: ['a', 'b'], a: ['c'], b: ['c'] })
  })
})

suite('among many peers', () => {
  test('a newcomer is told of its cluster, of the voters, and of as many others as are worth a connection, each newcomer of others', () => {
    const among = new Introducing()
    among.meet('voter', 'near')
    for (const name of ['x1', 'x2']) among.meet(name, 'x')
    among.meetMany()
    const strangers = ['x3', 'x4'].map((name) => {
      among.meet(name, 'x')
      const entries = among.told()[name] ?? []
      assert.equal(entries.length, CONNECTED_PEERS_MAX)
      assert(['voter', 'x1', 'x2'].every((needed) => entries.includes(needed)))
      return entries.filter((entry) => entry.startsWith('stranger'))
    })
    assert.equal(new Set(strangers[0]).size, strangers[0]?.length)
    assert(strangers[1]?.some((entry) => !strangers[0]?.includes(entry)))
  })

  test('of a newcomer its cluster and the voters are told, of one that votes everybody', () => {
    const among = new Introducing()
    among.meet('voter', 'near')
    for (const name of ['x1', 'x2']) among.meet(name, 'x')
    among.meetMany()
    among.meet('x3', 'x')
    assert.deepEqual(Object.keys(among.told()).toSorted(), ['voter', 'x1', 'x2', 'x3'])
    among.quorum = new Quorum([clusters({ near: ['self', 'voter'], x: ['x4'] })])
    among.meet('x4', 'x')
    assert.equal(Object.keys(among.told()).length, among.roster.connected().length)
  })

  test('whoever votes from now on is told of to all, by voters', () => {
    const among = new Introducing()
    among.meet('voter', 'near')
    among.meetMany()
    const before = among.quorum
    among.quorum = new Quorum([clusters({ near: ['self', 'voter'], far: ['stranger 7'] })])
    among.introductions.configInstalled(before, false)
    assert.deepEqual(among.told(), {})
    among.introductions.configInstalled(before, true)
    const told = among.told()
    assert.deepEqual(told['stranger 3'], ['stranger 7'])
    assert.equal(Object.keys(told).length, MANY)
  })

  test('those that come between two ticks are told of in one message', () => {
    const among = new Introducing()
    among.meet('voter', 'near')
    among.meetMany()
    for (const name of ['a', 'b', 'c']) among.meet(name)
    among.take()
    assert.deepEqual(among.told()['voter'], ['a', 'b', 'c'])
    assert.deepEqual(among.told(), {})
  })

  test('one that was away for a moment is no news, unless it is somewhere else or was gone', () => {
    const among = new Introducing()
    among.meet('voter', 'near')
    among.meetMany()
    const isTold = (address?: string): boolean => {
      among.meet('stranger 3', 'far', address)
      return among.told()['voter'] !== undefined
    }
    among.roster.lost('stranger 3' as PeerId, 'closed')
    assert.equal(isTold(), false)
    assert.equal(isTold('/dns/elsewhere'), true)
    among.roster.lost('stranger 3' as PeerId, 'closed')
    among.moment.nowMs += 30_100
    among.roster.tick(() => false)
    assert.equal(isTold('/dns/elsewhere'), true)
  })
})
