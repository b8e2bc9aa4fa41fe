/** Who is there, whom to go through, and what is missing to be ready. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { ClusterId, PeerId } from '../../protocols/base/identity.ts'
import { missing } from '../../protocols/membership/readiness.ts'
import type { ReadinessFacts } from '../../protocols/membership/readiness.ts'
import { Roster } from '../../protocols/membership/roster.ts'
import type { RosterPeer } from '../../protocols/membership/roster-peer.ts'
import { Latencies } from '../../protocols/agreement/latency.ts'
import type { Health } from '../../protocols/wire/membership-messages.ts'
import { Bench, configOf, network, peer } from './core-harness.ts'

const c1 = 'c1' as ClusterId
const c2 = 'c2' as ClusterId

class Known extends Bench {
  readonly moment = { nowMs: 0 }
  readonly roster: Roster = new Roster('self' as PeerId, c1, this.moment, this.outbox)

  meet(name: string, cluster: ClusterId = c2, rttMs?: number, store = 0): RosterPeer {
    const told = {
      protocolMin: 1,
      protocolMax: 1,
      networkId: network,
      clusterId: cluster,
      identity: peer(name, store),
      epoch: 0,
      minPeers: 1,
    }
    const met = this.roster.greeted({ ...told, ceiling: { epoch: 0, round: 0 }, addresses: [`/dns/${name}`] })
    if (rttMs !== undefined) this.roster.answered(met, this.moment.nowMs - rttMs)
    return met
  }

  /** Lets time pass with a look every 100 ms, hearing from some on the way. */
  pass(forMs: number, heard: readonly string[] = []): void {
    for (const endMs = this.moment.nowMs + forMs; this.moment.nowMs < endMs;) {
      this.moment.nowMs += 100
      for (const name of heard) this.roster.onMessage(name as PeerId)
      this.roster.tick(() => false)
    }
  }

  stateOf(name: string): string | undefined {
    return this.roster.get(name as PeerId)?.state
  }

  first(cluster: ClusterId): string | undefined {
    return this.roster.representatives(cluster)[0]
  }
}

suite('the roster', () => {
  test('a watched peer that is silent is suspect after 2.5 s, is disconnected after 6 s, and alive again once it is heard', () => {
    const known = new Known()
    known.meet('a', c1, 1)
    known.pass(2_500)
    assert.equal(known.stateOf('a'), 'alive')
    known.pass(200)
    assert.equal(known.stateOf('a'), 'suspect')
    known.roster.onMessage('a' as PeerId)
    assert.equal(known.stateOf('a'), 'alive')
    known.take()
    known.pass(6_100)
    assert(known.take().some((effect) => effect.kind === 'disconnect'))
  })

  test('a peer whose round trip is 3 s is doubted, suspected and given up later by that, a near one as before', () => {
    const known = new Known()
    known.meet('near', c1, 200)
    known.meet('far', c1, 3_000)
    known.pass(7_000)
    assert.deepEqual(known.roster.doubted(), ['near'])
    assert.deepEqual([known.stateOf('near'), known.stateOf('far')], ['suspect', 'alive'])
    const givenUp = (): string[] => known.take().flatMap((effect) => (effect.kind === 'disconnect' ? [effect.peerId] : []))
    assert.deepEqual([...new Set(givenUp())], ['near'])
    known.pass(7_000)
    assert.equal(known.stateOf('far'), 'suspect')
    assert(!givenUp().includes('far'))
    known.pass(9_000)
    assert(givenUp().includes('far'))
  })

  test('a peer that has answered nothing yet keeps its connection for 24 s', () => {
    const known = new Known()
    known.meet('a', c1)
    known.pass(23_900)
    assert(!known.take().some((effect) => effect.kind === 'disconnect'))
    known.pass(300)
    assert(known.take().some((effect) => effect.kind === 'disconnect'))
  })

  test('one round trip that met a pause does not make a peer far', () => {
    const known = new Known()
    const met = known.meet('a', c1, 10)
    for (const rttMs of [12, 5_000, 11]) known.roster.answered(met, known.moment.nowMs - rttMs)
    assert.equal(known.roster.roundTripMs('a' as PeerId), 11)
  })

  test('a peer that is lost is suspect at once, gone after 30 s, and forgotten after an hour unless it votes', () => {
    const known = new Known()
    known.meet('a')
    known.roster.lost('a' as PeerId, 'closed')
    assert.equal(known.stateOf('a'), 'suspect')
    known.pass(30_100)
    assert.equal(known.stateOf('a'), 'gone')
    known.moment.nowMs += 3_600_000
    known.roster.tick(() => true)
    assert.equal(known.stateOf('a'), 'gone')
    known.roster.tick(() => false)
    assert.equal(known.stateOf('a'), undefined)
  })

  test('a peer that was removed is forgotten as soon as it is gone', () => {
    const known = new Known()
    known.meet('a')
    known.roster.lost('a' as PeerId, 'closed')
    known.moment.nowMs += 29_000
    known.roster.tick(
      () => false,
      () => true,
    )
    assert.equal(known.stateOf('a'), 'suspect')
    known.moment.nowMs += 1_100
    known.roster.tick(
      () => false,
      () => true,
    )
    assert.equal(known.stateOf('a'), undefined)
  })

  test('states are noted once for each change', () => {
    const known = new Known()
    known.meet('a')
    known.pass(4_000)
    const states = known
      .take()
      .flatMap((effect) => (effect.kind === 'note' && effect.note.kind === 'peer-state' ? [effect.note.state] : []))
    assert.deepEqual(states, ['alive', 'suspect'])
  })

  test('every cluster that somebody is of is named, also between two looks', () => {
    const known = new Known()
    known.meet('a', c1)
    known.meet('b', c2)
    known.pass(100)
    known.meet('d', 'c3' as ClusterId)
    assert.deepEqual([...known.roster.clusterIds()].toSorted(), ['c1', 'c2', 'c3'])
  })
})

suite('who is watched', () => {
  const names = (known: Known): string[] =>
    [...known.roster.all()].filter((each) => each.watchedFromMs !== undefined).map((each) => each.peerId)

  test('a voter watches all of its cluster, a learner its voters, and both of another cluster the representative alone', () => {
    const known = new Known()
    known.meet('voter', c1)
    known.meet('learner', c1)
    known.meet('near', c2, 10)
    known.meet('far', c2, 80)
    known.roster.tick((peerId) => peerId === 'self' || peerId === 'voter')
    assert.deepEqual(names(known), ['voter', 'learner', 'near'])
    known.roster.tick((peerId) => peerId === 'voter')
    assert.deepEqual(names(known), ['voter', 'near'])
    known.roster.tick(() => false)
    assert.deepEqual(names(known), ['voter', 'learner', 'near'])
  })

  test('one that is not watched may be silent, unless it is doubted: then it is asked, and suspect when it does not answer', () => {
    const known = new Known()
    known.meet('near', c2, 10)
    for (const name of ['far', 'farther']) known.meet(name, c2, 80)
    known.pass(5_000, ['near'])
    assert.equal(known.stateOf('far'), 'alive')
    known.roster.onDoubted(['far', 'farther'] as PeerId[])
    known.pass(100, ['near'])
    assert.deepEqual(names(known), ['near', 'far', 'farther'])
    known.pass(900, ['near', 'farther'])
    assert.deepEqual([known.stateOf('far'), known.stateOf('farther')], ['suspect', 'alive'])
  })

  test('all of a cluster whose representative falls silent are asked, and are suspect together with it when none answers', () => {
    const known = new Known()
    known.meet('near', c2, 10)
    known.meet('far', c2, 80)
    known.meet('farther', c2, 90)
    known.pass(20_000, ['near'])
    known.pass(2_000)
    assert.deepEqual(names(known), ['near', 'far', 'farther'])
    known.pass(600, ['farther'])
    assert.deepEqual(
      ['near', 'far', 'farther'].map((name) => known.stateOf(name)),
      ['suspect', 'suspect', 'alive'],
    )
    assert.equal(known.first(c2), 'farther')
  })

  test('one that is not watched is suspect when it was not heard for 75 s', () => {
    const known = new Known()
    known.meet('near', c2, 10)
    known.meet('far', c2, 80)
    known.pass(75_000, ['near'])
    assert.equal(known.stateOf('far'), 'alive')
    known.pass(100, ['near'])
    assert.equal(known.stateOf('far'), 'suspect')
  })

  test('those of the own cluster that are silent to it are doubted, and no others', () => {
    const known = new Known()
    for (const name of ['a', 'b']) known.meet(name, c1)
    known.meet('c', c2)
    known.pass(1_700, ['b'])
    assert.deepEqual(known.roster.doubted(), [])
    known.pass(200, ['b'])
    assert.deepEqual(known.roster.doubted(), ['a'])
  })

  test('a peer that is not watched counts as answering while another of its cluster answers', () => {
    const known = new Known()
    const near = known.meet('near', c2, 10)
    const far = known.meet('far', c2, 80)
    known.pass(5_000, ['near'])
    assert.equal(known.roster.hasAnswered(far, 3_000), false)
    known.roster.answered(near, known.moment.nowMs)
    assert.equal(known.roster.hasAnswered(far, 3_000), true)
    known.roster.onDoubted(['far' as PeerId])
    known.pass(100, ['near'])
    assert.equal(known.roster.hasAnswered(far, 3_000), false)
  })
})

suite('the choice of a representative', () => {
  test('the nearest is first, those not measured come later, suspect ones last', () => {
    const known = new Known()
    known.meet('far', c2, 80)
    known.meet('near', c2, 10)
    known.meet('unknown', c2)
    known.meet('silent', c2, 5)
    known.meet('other cluster', c1, 1)
    known.pass(2_700, ['far', 'near', 'unknown'])
    assert.deepEqual(known.roster.representatives(c2), ['near', 'far', 'unknown', 'silent'])
  })

  test('the one in use stays until another is nearer by half', () => {
    const known = new Known()
    known.meet('b', c2, 40)
    assert.equal(known.first(c2), 'b')
    known.meet('a', c2, 25)
    assert.equal(known.first(c2), 'b')
    known.meet('c', c2, 10)
    assert.equal(known.first(c2), 'c')
  })

  test('the one in use is left when it falls silent or is lost, and nobody is chosen who is not connected', () => {
    const known = new Known()
    known.meet('a', c2, 10)
    assert.equal(known.first(c2), 'a')
    known.meet('b', c2, 1_000)
    known.pass(2_700, ['b'])
    assert.equal(known.first(c2), 'b')
    known.roster.lost('b' as PeerId, 'closed')
    assert.deepEqual(known.roster.representatives(c2), ['a'])
    known.roster.lost('a' as PeerId, 'closed')
    assert.deepEqual(known.roster.representatives(c2), [])
  })
})

function healthOf(round = 0): Health {
  return {
    networkId: network,
    epoch: 0,
    ceiling: { epoch: 0, round },
    caughtUp: true,
    keyCount: 0,
    root: new Uint8Array(16),
    inDoubtCount: 0,
    tokens: undefined,
  }
}

suite('what a peer told', () => {
  test('is no older than this run only when it answers a question of this run', () => {
    const known = new Known()
    const startedAtMs = known.moment.nowMs
    known.pass(100)
    const met = known.meet('a')
    known.roster.onHeartbeat(met, healthOf())
    assert.equal(met.answeredHealth, undefined)
    known.roster.answered(met, startedAtMs - 1)
    assert.equal(met.answeredHealth, undefined)
    known.roster.answered(met, startedAtMs)
    assert.equal(met.answeredHealth, met.health)
  })
})

suite('a store that was put back', () => {
  function beat(known: Known, met: RosterPeer, round: number): void {
    known.roster.onHeartbeat(met, healthOf(round))
  }

  test('is known by a ceiling lower than the one remembered, at its first heartbeat', () => {
    const known = new Known()
    beat(known, known.meet('a'), 200)
    known.roster.lost('a' as PeerId, 'closed')
    beat(known, known.meet('a'), 100)
    assert.equal(known.roster.isPutBack(peer('a').id), true)
  })

  test('is not one that came back with a higher ceiling, nor one that is another store', () => {
    const known = new Known()
    beat(known, known.meet('a'), 200)
    beat(known, known.meet('a'), 300)
    beat(known, known.meet('a', c2, undefined, 1), 100)
    assert.equal(known.roster.isPutBack(peer('a').id), false)
    assert.equal(known.roster.isPutBack(peer('a', 1).id), false)
  })

  test('is not told from a heartbeat that was overtaken by a later one', () => {
    const known = new Known()
    const met = known.meet('a')
    beat(known, met, 200)
    beat(known, met, 100)
    assert.equal(known.roster.isPutBack(peer('a').id), false)
  })
})

suite('readiness', () => {
  const config = configOf(2, { c1: ['a', 'b', 'c'] })
  const facts: ReadinessFacts = { config, clusterId: c1, peersUp: 3, minPeers: 3, caughtUp: true, hasAnswered: () => true }

  test('a peer with a config, a quorum that answers and a first catch-up lacks nothing', () => {
    assert.equal(missing(facts), undefined)
  })

  test('what is missing is said in words, the first thing first', () => {
    const forming = { ...config, forming: true }
    assert.equal(missing({ ...facts, config: undefined }), 'no peer of the network was reached yet; see -peer')
    assert.equal(missing({ ...facts, config: forming, peersUp: 1 }), '1 of 3 peers of c1; start more with -peer …, or use -min-peers 1')
    assert.equal(missing({ ...facts, config: forming }), '3 of 3 peers of c1; its first voters are being agreed on')
    assert.equal(missing({ ...facts, hasAnswered: ({ peerId }) => peerId === 'a' }), 'no quorum of the voters answers: 1 of 3 voters of c1')
    assert.equal(missing({ ...facts, caughtUp: false }), 'the first catch-up is under way')
  })

  test('while joint a quorum of both sets is needed', () => {
    const joint = { ...config, next: configOf(0, { c1: ['d', 'e', 'f'] }).clusters }
    assert.notEqual(missing({ ...facts, config: joint, hasAnswered: ({ peerId }) => 'abc'.includes(peerId) }), undefined)
    assert.equal(missing({ ...facts, config: joint, hasAnswered: ({ peerId }) => 'abde'.includes(peerId) }), undefined)
  })

  test('a peer of a cluster without voters is ready as a learner', () => {
    assert.equal(missing({ ...facts, clusterId: 'later' as ClusterId, peersUp: 1 }), undefined)
  })
})

suite('how long answers usually take', () => {
  test('is the 95th percentile of the last answers of that cluster and kind, within bounds', () => {
    const latencies = new Latencies()
    assert.equal(latencies.usualMs(c1, 'reserve'), 250)
    for (let sample = 1; sample <= 64; sample += 1) latencies.observe(c1, 'reserve', sample * 10)
    assert.equal(latencies.usualMs(c1, 'reserve'), 610)
    assert.equal(latencies.usualMs(c1, 'commit'), 250)
    assert.equal(latencies.usualMs(c2, 'reserve'), 250)
    for (let sample = 0; sample < 64; sample += 1) latencies.observe(c1, 'reserve', 1)
    assert.equal(latencies.usualMs(c1, 'reserve'), 25)
    for (let sample = 0; sample < 64; sample += 1) latencies.observe(c1, 'reserve', 60_000)
    assert.equal(latencies.usualMs(c1, 'reserve'), 2_000)
  })
})
