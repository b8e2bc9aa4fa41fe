/** Who should vote: what every plan must keep to, whoever is there. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import type { ClusterId } from '../../protocols/base/identity.ts'
import { VOTERS_PER_CLUSTER_MAX, VOTING_CLUSTERS_MAX } from '../../protocols/base/config.ts'
import type { Clusters, Config } from '../../protocols/base/config.ts'
import { planGrowth, voterCount } from '../../protocols/config/growth.ts'
import type { Candidate } from '../../protocols/config/growth.ts'
import { network, peer } from '../unit/core-harness.ts'

const CLUSTERS = Array.from({ length: 9 }, (_, index) => `c${index}` as ClusterId)
const RUNS = 5_000

const someCandidate: fc.Arbitrary<Candidate> = fc
  .record({ cluster: fc.nat(8), peer: fc.nat(7), store: fc.nat(1), minPeers: fc.integer({ min: 1, max: 6 }) })
  .map(({ cluster, peer: number, store, minPeers }) => {
    return { identity: peer(`p${cluster}${number}`, store), clusterId: CLUSTERS[cluster] as ClusterId, minPeers }
  })

/** One peer is there once, whichever store it has. */
const someCandidates = fc.uniqueArray(someCandidate, { selector: ({ identity }) => identity.peerId, maxLength: 40 })

/** One cluster in most of the configs, up to eight; each with the first voters of its own. */
const somePresent: fc.Arbitrary<Clusters> = fc
  .tuple(fc.subarray(CLUSTERS, { minLength: 1, maxLength: VOTING_CLUSTERS_MAX }), fc.infiniteStream(fc.constantFrom(1, 1, 2, 3, 4, 5)))
  .map(([ids, sizes]) => {
    const place = (id: ClusterId): string => `p${id.slice(1)}`
    return new Map(ids.map((id) => [id, Array.from({ length: sizes.next().value as number }, (_, index) => peer(`${place(id)}${index}`))]))
  })

function configWith(clusters: Clusters): Config {
  return { networkId: network, epoch: 1, clusters, forming: false, protocolMin: 1 }
}

suite('growth', () => {
  test('no cluster shrinks or goes away, and no voter gives its place to another peer', () => {
    const property = fc.property(somePresent, someCandidates, (clusters, candidates) => {
      const next = planGrowth(configWith(clusters), candidates)
      if (next === undefined) return
      for (const [id, voters] of clusters) {
        for (const [index, voter] of voters.entries()) assert.equal(next.get(id)?.[index]?.peerId, voter.peerId)
      }
    })
    fc.assert(property, { numRuns: RUNS })
  })

  test('a voter keeps its identity unless it is there with another store', () => {
    const property = fc.property(somePresent, someCandidates, (clusters, candidates) => {
      const next = planGrowth(configWith(clusters), candidates)
      if (next === undefined) return
      for (const [id, voters] of clusters) {
        for (const [index, voter] of voters.entries()) {
          const planned: string | undefined = next.get(id)?.[index]?.id
          const isThere = candidates.some(({ identity }) => identity.id === planned)
          assert(planned === voter.id || isThere)
        }
      }
    })
    fc.assert(property, { numRuns: RUNS })
  })

  test('there are never more voters or voting clusters than the limits, and nobody votes twice', () => {
    const property = fc.property(somePresent, someCandidates, (clusters, candidates) => {
      const next = planGrowth(configWith(clusters), candidates)
      if (next === undefined) return
      assert(next.size <= VOTING_CLUSTERS_MAX)
      for (const voters of next.values()) {
        assert(voters.length >= 1 && voters.length <= VOTERS_PER_CLUSTER_MAX)
        assert.equal(new Set(voters.map(({ peerId }) => peerId)).size, voters.length)
      }
    })
    fc.assert(property, { numRuns: RUNS })
  })

  test('a cluster that grows does so to an odd number', () => {
    const property = fc.property(somePresent, someCandidates, (clusters, candidates) => {
      const next = planGrowth(configWith(clusters), candidates)
      for (const [id, voters] of clusters) {
        const planned = next?.get(id) ?? voters
        if (planned.length > voters.length) assert.equal(planned.length % 2, 1)
      }
    })
    fc.assert(property, { numRuns: RUNS })
  })

  test('a cluster gets its first voters all at once, when as many are there as the largest wish among them', () => {
    const property = fc.property(somePresent, someCandidates, (clusters, candidates) => {
      const next = planGrowth(configWith(clusters), candidates)
      for (const id of CLUSTERS) {
        if (clusters.has(id)) continue
        const there = candidates.filter(({ clusterId }) => clusterId === id)
        const needed = Math.max(1, ...there.map(({ minPeers }) => minPeers))
        const planned = next?.get(id)
        if (planned !== undefined) assert(there.length >= needed && planned.length >= Math.min(needed, VOTERS_PER_CLUSTER_MAX))
        if (planned === undefined && there.length >= needed) assert.equal((next ?? clusters).size, VOTING_CLUSTERS_MAX)
      }
    })
    fc.assert(property, { numRuns: RUNS })
  })

  test('a voter that is gone for good gives its place to another peer of its cluster, as far as there are any; and nobody else does', () => {
    const property = fc.property(somePresent, someCandidates, fc.nat(), (clusters, candidates, draw) => {
      const here = new Set(candidates.map(({ identity }) => identity.peerId))
      const voters = [...clusters.values()].flat()
      const gone = new Set(voters.filter((_, index) => (draw >> (index % 30)) % 2 === 1).map(({ id }) => id))
      const next = planGrowth(configWith(clusters), candidates, gone) ?? clusters
      for (const [id, before] of clusters) {
        const learners = candidates.filter(
          ({ clusterId, identity }) => clusterId === id && !before.some((voter) => voter.peerId === identity.peerId),
        )
        const due = before.filter((voter) => gone.has(voter.id) && !here.has(voter.peerId))
        const planned = next.get(id) ?? []
        const replaced = before.filter((voter) => !planned.some(({ peerId }) => peerId === voter.peerId))
        assert.equal(replaced.length, Math.min(due.length, learners.length))
        assert(replaced.every((voter) => due.includes(voter)))
        assert(planned.length >= before.length)
      }
    })
    fc.assert(property, { numRuns: RUNS })
  })

  test('a plan names only voters that are there, apart from those that vote already', () => {
    const property = fc.property(somePresent, someCandidates, (clusters, candidates) => {
      const known = new Set([...candidates.map(({ identity }) => identity), ...[...clusters.values()].flat()].map(({ id }) => id))
      for (const voters of planGrowth(configWith(clusters), candidates)?.values() ?? []) {
        for (const { id } of voters) assert(known.has(id))
      }
    })
    fc.assert(property, { numRuns: RUNS })
  })

  test('a plan that was carried out leaves nothing to plan, whatever the order in which the peers are named', () => {
    const property = fc.property(somePresent, someCandidates, (clusters, candidates) => {
      const next = planGrowth(configWith(clusters), candidates)
      assert.deepEqual(planGrowth(configWith(clusters), candidates.toReversed()), next)
      if (next !== undefined) assert.equal(planGrowth(configWith(next), candidates), undefined)
    })
    fc.assert(property, { numRuns: RUNS })
  })
})

suite('the first cluster', () => {
  const founder = peer('p00')
  const forming: Config = { ...configWith(new Map([['c0' as ClusterId, [founder]]])), epoch: 0, forming: true }

  test('it waits for as many peers as its founder was told, and no other cluster comes before it', () => {
    const property = fc.property(someCandidates, fc.integer({ min: 2, max: 6 }), (others, minPeers) => {
      const candidates = [
        { identity: founder, clusterId: 'c0' as ClusterId, minPeers },
        ...others.filter(({ identity }) => identity.peerId !== founder.peerId),
      ]
      const near = candidates.filter(({ clusterId }) => clusterId === 'c0')
      const needed = Math.max(...near.map((candidate) => candidate.minPeers))
      const next = planGrowth(forming, candidates)
      assert.equal(next !== undefined, near.length >= needed)
      if (next === undefined) return
      assert.deepEqual([...next.keys()], ['c0'])
      assert.equal(next.get('c0' as ClusterId)?.[0], founder)
    })
    fc.assert(property, { numRuns: RUNS })
  })

  test('while a change is under way nothing is planned', () => {
    const property = fc.property(someCandidates, (candidates) => {
      assert.equal(planGrowth({ ...forming, forming: false, next: forming.clusters }, candidates), undefined)
    })
    fc.assert(property, { numRuns: 100 })
  })

  test('the fourth and fifth voter come together, and there is no sixth', () => {
    assert.deepEqual([1, 2, 3, 4, 5, 6, 100].map(voterCount), [1, 1, 3, 3, 5, 5, 5])
  })
})
