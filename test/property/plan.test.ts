/**
 * What requests are turned into: what every plan must keep to, whoever is there and whatever is
 * asked for.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import type { ClusterId, Identity, PeerId } from '../../protocols/base/identity.ts'
import { barredIn, barring, isBarred, lifting } from '../../protocols/config/barred.ts'
import { BARRED_MAX, VOTERS_PER_CLUSTER_MAX, VOTING_CLUSTERS_MAX } from '../../protocols/base/config.ts'
import type { Barred, Config } from '../../protocols/base/config.ts'
import { planGrowth } from '../../protocols/config/growth.ts'
import { planChange } from '../../protocols/config/plan.ts'
import type { Hindrance, KnownPeer } from '../../protocols/config/known.ts'
import type { ChangeRequest } from '../../protocols/base/change-request.ts'
import type { Plan } from '../../protocols/config/plan.ts'
import { finishedAfter, jointAfter, withdrawnAfter } from '../../protocols/config/successors.ts'
import { members } from '../../protocols/config/transfer.ts'
import { holds } from '../simulation/checkers/quorums.ts'
import { network, peer } from '../unit/core-harness.ts'

const RUNS = 2_000
const CLUSTERS = Array.from({ length: 9 }, (_, index) => `c${index}` as ClusterId)
const PEERS_PER_CLUSTER = 7

interface Situation {
  readonly config: Config
  readonly request: ChangeRequest
  readonly peers: readonly KnownPeer[]
  readonly isUp: (voter: Identity) => boolean
}

const someHindrance = fc.constantFrom<(Hindrance | undefined)[]>(undefined, undefined, undefined, 'silent', 'catching up', 'store put back')
const someCluster = fc.constantFrom(...CLUSTERS)
const somePeerId = fc.tuple(fc.nat(8), fc.nat(PEERS_PER_CLUSTER - 1)).map(([cluster, place]) => `p${cluster}${place}` as PeerId)

const someRequest: fc.Arbitrary<ChangeRequest> = fc.record({
  add: fc.uniqueArray(somePeerId, { maxLength: 3 }),
  remove: fc.uniqueArray(somePeerId, { maxLength: 3 }),
  removeCluster: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: someCluster }),
  force: fc.boolean(),
  withdraw: fc.constant(false),
})

const someKnown: fc.Arbitrary<KnownPeer[]> = fc
  .tuple(
    fc.array(fc.tuple(fc.integer({ min: -1, max: 1 }), someHindrance, fc.integer({ min: 1, max: 3 })), { minLength: 63, maxLength: 63 }),
  )
  .map(([facts]) =>
    facts.flatMap(([store, hindrance, protocolMax], index) => {
      const cluster = Math.floor(index / PEERS_PER_CLUSTER)
      const identity = peer(`p${cluster}${index % PEERS_PER_CLUSTER}`, Math.max(store, 0))
      return store < 0 ? [] : [{ identity, clusterId: CLUSTERS[cluster] as ClusterId, minPeers: 1, protocolMax, hindrance }]
    }),
  )

const someSituation: fc.Arbitrary<Situation> = fc
  .record({
    clusters: fc.tuple(
      fc.subarray(CLUSTERS, { minLength: 1, maxLength: VOTING_CLUSTERS_MAX }),
      fc.infiniteStream(fc.integer({ min: 1, max: 5 })),
    ),
    barredPeers: fc.uniqueArray(somePeerId, { maxLength: 4 }),
    barredClusters: fc.uniqueArray(someCluster, { maxLength: 2 }),
    peers: someKnown,
    request: someRequest,
  })
  .map(({ clusters: [ids, sizes], barredPeers, barredClusters, peers, request }) => {
    const clusters = new Map(
      ids.map((id) => [id, Array.from({ length: sizes.next().value as number }, (_, place) => peer(`p${id.slice(1)}${place}`))]),
    )
    // Whoever votes is not barred.
    const voters = members(clusters).map(({ peerId }) => peerId)
    const barred = lifting({ peers: barredPeers, clusters: barredClusters }, voters, ids)
    const isAnyBarred = barred.peers.length + barred.clusters.length > 0
    const config = { networkId: network, epoch: 4, clusters, forming: false, protocolMin: 1, ...(isAnyBarred && { barred }) }
    const up = new Set(peers.filter(({ hindrance }) => hindrance !== 'silent').map(({ identity }) => identity.id))
    return { config, request, peers, isUp: (voter) => up.has(voter.id) }
  })

function planOf({ config, request, peers, isUp }: Situation): Plan {
  return planChange(config, request, { peers, isUp })
}

/**
 * Holds a property for each change that is planned; says how many there were, for a plan that never
 * is proves nothing.
 */
function forEachChange(holdsFor: (situation: Situation, plan: Extract<Plan, { kind: 'change' }>) => void): void {
  let changes = 0
  const property = fc.property(someSituation, (situation) => {
    const plan = planOf(situation)
    if (plan.kind !== 'change') return
    changes += 1
    holdsFor(situation, plan)
  })
  fc.assert(property, { numRuns: RUNS })
  assert(changes > RUNS / 50, `only ${changes} changes`)
}

/**
 * The peers that there are, each as the store that votes, and all voters among them; each speaks
 * this version or a later one.
 */
function wholeAt(protocolMax: number, { config, peers }: Situation): KnownPeer[] {
  const told = peers.map((each) => ({
    ...each,
    identity: peer(each.identity.peerId),
    protocolMax: Math.max(each.protocolMax, protocolMax),
    hindrance: undefined,
  }))
  const missing = [...config.clusters].flatMap(([clusterId, voters]) =>
    voters
      .filter(({ id }) => !told.some(({ identity }) => identity.id === id))
      .map((identity) => ({ identity, clusterId, minPeers: 1, protocolMax, hindrance: undefined })),
  )
  return [...told, ...missing]
}

suite('a change that is planned', () => {
  test('leaves at least one voter, keeps to the limits, and nobody votes twice', () => {
    forEachChange((_, { next }) => {
      assert(next.size >= 1 && next.size <= VOTING_CLUSTERS_MAX)
      for (const voters of next.values()) assert(voters.length >= 1 && voters.length <= VOTERS_PER_CLUSTER_MAX)
      const peerIds = members(next).map(({ peerId }) => peerId)
      assert.equal(new Set(peerIds).size, peerIds.length)
    })
  })

  test('has a quorum of its new voters up, unless it is forced', () => {
    forEachChange(({ request, isUp }, { next }) => {
      const up = new Set(
        members(next)
          .filter(isUp)
          .map(({ id }) => id),
      )
      if (!request.force) assert(holds(next, (id) => up.has(id)))
    })
  })

  test('gives a vote to all that are added, takes it from all that are removed, and leaves everybody else', () => {
    forEachChange(({ config, request, peers }, { next }) => {
      const voters = members(next)
      for (const peerId of request.add) assert(voters.some((voter) => voter.peerId === peerId))
      for (const peerId of request.remove) assert(!voters.some((voter) => voter.peerId === peerId))
      assert(request.removeCluster === undefined || !next.has(request.removeCluster))
      for (const [clusterId, before] of config.clusters) {
        if (clusterId === request.removeCluster) continue
        for (const voter of before) {
          if (request.remove.includes(voter.peerId) || request.add.includes(voter.peerId)) continue
          assert(next.get(clusterId)?.includes(voter))
        }
      }
      for (const voter of voters.filter((each) => !members(config.clusters).includes(each))) {
        assert(peers.some(({ identity, hindrance }) => identity.id === voter.id && hindrance === undefined))
      }
    })
  })

  test('bars whom it removes, lifts the bar of whom it adds, and bars nobody who votes', () => {
    forEachChange(({ config, request }, { next, barred }) => {
      assert(request.remove.every((peerId) => barred.peers.includes(peerId)))
      assert(request.removeCluster === undefined || barred.clusters.includes(request.removeCluster))
      for (const [clusterId, voters] of next) for (const { peerId } of voters) assert(!isBarred(barred, peerId, clusterId))
      for (const peerId of barredIn(config).peers) assert(barred.peers.includes(peerId) || request.add.includes(peerId))
    })
  })

  test('leaves nothing of the request to do when it is finished, and nothing of itself when it is withdrawn', () => {
    forEachChange((situation, { next, barred, protocolMin }) => {
      const { config } = situation
      const joint = jointAfter(config, next, barred, protocolMin)
      assert.deepEqual(planOf({ ...situation, config: finishedAfter(joint, next) }), { kind: 'nothing' })
      // But for the version: what the joint config let peers use may have been used.
      assert.deepEqual({ ...withdrawnAfter(joint), epoch: config.epoch }, { ...config, protocolMin })
    })
  })

  test('asks of voters no version that one of them does not speak, whatever becomes of it, and never less than before', () => {
    let risen = 0
    const property = fc.property(someSituation, fc.integer({ min: 1, max: 3 }), fc.boolean(), (situation, spoken, isWhole) => {
      // By chance alone nearly always some voter is silent, or another store.
      const peers = isWhole ? wholeAt(spoken, situation) : situation.peers
      const isUp = (voter: Identity): boolean => isWhole || situation.isUp(voter)
      const plan = planOf({ ...situation, peers, isUp })
      if (plan.kind !== 'change') return
      const { config } = situation
      assert(plan.protocolMin >= config.protocolMin)
      if (plan.protocolMin === config.protocolMin) return
      risen += 1
      for (const voter of [...members(config.clusters), ...members(plan.next)]) {
        const known = peers.find(({ identity }) => identity.id === voter.id)
        assert(isUp(voter) && known !== undefined && known.protocolMax >= plan.protocolMin)
      }
    })
    fc.assert(property, { numRuns: RUNS })
    assert(risen > RUNS / 50, `it rose only ${risen} times`)
  })

  test('is not undone by growth: whoever is barred is given no vote', () => {
    forEachChange(({ config, peers }, { next, barred, protocolMin }) => {
      const finished = finishedAfter(jointAfter(config, next, barred, protocolMin), next)
      const candidates = peers.filter(({ hindrance }) => hindrance === undefined)
      const voted = new Set(members(next).map(({ id }) => id))
      for (const [clusterId, voters] of planGrowth(finished, candidates) ?? []) {
        for (const { id, peerId } of voters) assert(voted.has(id) || !isBarred(barred, peerId, clusterId))
      }
    })
  })
})

test('while a change is in flight nothing else is planned, and it can be withdrawn', () => {
  const property = fc.property(someSituation, (situation) => {
    const joint = jointAfter(situation.config, situation.config.clusters, { peers: [], clusters: [] }, 1)
    const plan = planOf({ ...situation, config: joint })
    assert(plan.kind === 'wait' || plan.kind === 'refusal')
    const withdrawal = { add: [], remove: [], removeCluster: undefined, force: false, withdraw: true }
    assert.deepEqual(planOf({ ...situation, config: joint, request: withdrawal }), { kind: 'withdrawal' })
  })
  fc.assert(property, { numRuns: 500 })
})

test('of more that are barred than are remembered, those barred first fall off', () => {
  const names = Array.from({ length: BARRED_MAX + 3 }, (_, index) => `p${index}` as PeerId)
  const barred = names.reduce<Barred>((before, name) => barring(before, [name], []), { peers: [], clusters: [] })
  assert.deepEqual(barred.peers, names.slice(3))
})
