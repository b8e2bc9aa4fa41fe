/** Quorum arithmetic against the plain definition, on many configs and sets of voters. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import type { Identity, IdentityId } from '../../protocols/base/identity.ts'
import type { Clusters, Config } from '../../protocols/base/config.ts'
import { Quorum, Tally, configQuorum, dataQuorum, holdsMajority, majority, majoritySize } from '../../protocols/base/quorum.ts'
import type { Verdict } from '../../protocols/base/quorum.ts'
import { isTransferred, members, transferProgress } from '../../protocols/config/transfer.ts'
import { someClusters, someConfig, someIdentities, someIdentity } from './core-arbitraries.ts'

const MANY_RUNS = 50_000

function setsOf(config: Config): Clusters[] {
  return config.next === undefined ? [config.clusters] : [config.clusters, config.next]
}

/**
 * The definition, word for word: more than half of the clusters have more than half of their voters
 * among these, in every set.
 */
function wins(sets: readonly Clusters[], among: ReadonlySet<IdentityId>): boolean {
  return sets.every((clusters) => {
    const won = [...clusters.values()].filter((voters) => voters.filter((voter) => among.has(voter.id)).length > voters.length / 2)
    return won.length > clusters.size / 2
  })
}

function votersOf(sets: readonly Clusters[]): Set<IdentityId> {
  return new Set(sets.flatMap(members).map((voter) => voter.id))
}

function idsOf(identities: readonly Identity[]): Set<IdentityId> {
  return new Set(identities.map(({ id }) => id))
}

/**
 * What the definition says of these answers: won, or lost when not even all others together could
 * win it.
 */
function verdictOf(sets: readonly Clusters[], yes: ReadonlySet<IdentityId>, no: ReadonlySet<IdentityId>): Verdict {
  if (wins(sets, yes)) return 'won'
  const possible = new Set([...votersOf(sets)].filter((voter) => !no.has(voter)))
  return wins(sets, possible) ? 'pending' : 'lost'
}

interface Answer {
  readonly of: Identity
  readonly isYes: boolean
}

const someAnswers = fc.array(fc.record({ of: someIdentity, isYes: fc.boolean() }), { maxLength: 16 })

/** A voter's first answer is the one that counts. */
function firstAnswers(answers: readonly Answer[], voters: ReadonlySet<IdentityId>): { yes: Set<IdentityId>; no: Set<IdentityId> } {
  const yes = new Set<IdentityId>()
  const no = new Set<IdentityId>()
  for (const { of, isYes } of answers) {
    if (!voters.has(of.id) || yes.has(of.id) || no.has(of.id)) continue
    if (isYes) yes.add(of.id)
    else no.add(of.id)
  }
  return { yes, no }
}

suite('majorities', () => {
  test('a majority is won, lost or pending as plain counting says', () => {
    for (let total = 1; total <= 9; total += 1) {
      for (let yes = 0; yes <= total; yes += 1) {
        for (let no = 0; yes + no <= total; no += 1) {
          const expected = yes > total / 2 ? 'won' : total - no > total / 2 ? 'pending' : 'lost'
          assert.equal(majority(yes, no, total), expected, `${yes} yes and ${no} no of ${total}`)
        }
      }
      assert.equal(majority(majoritySize(total), 0, total), 'won')
      assert.notEqual(majority(majoritySize(total) - 1, 0, total), 'won')
    }
  })

  test('holding a majority is what the definition says', () => {
    const property = fc.property(someClusters, someIdentities, (clusters, identities) => {
      const ids = idsOf(identities)
      assert.equal(
        holdsMajority(clusters, (voter) => ids.has(voter.id)),
        wins([clusters], ids),
      )
    })
    fc.assert(property, { numRuns: MANY_RUNS })
  })

  test('nobody holds a majority of no clusters', () => {
    assert.equal(
      holdsMajority(new Map(), () => true),
      false,
    )
    assert.equal(new Tally(new Quorum([new Map()])).verdict(), 'lost')
  })
})

suite('tallies', () => {
  test('after each answer the verdict is what the definition says, joint or not', () => {
    const property = fc.property(someConfig, someAnswers, (config, answers) => {
      const sets = setsOf(config)
      const voters = votersOf(sets)
      const tally = new Tally(dataQuorum(config))
      for (const [index, { of, isYes }] of answers.entries()) {
        if (isYes) tally.yes(of.id)
        else tally.no(of.id)
        const { yes, no } = firstAnswers(answers.slice(0, index + 1), voters)
        assert.equal(tally.verdict(), verdictOf(sets, yes, no))
      }
    })
    fc.assert(property, { numRuns: MANY_RUNS })
  })

  test('won and lost are final', () => {
    const property = fc.property(someConfig, someAnswers, (config, answers) => {
      const tally = new Tally(dataQuorum(config))
      let final: Verdict = 'pending'
      for (const { of, isYes } of answers) {
        if (isYes) tally.yes(of.id)
        else tally.no(of.id)
        if (final !== 'pending') assert.equal(tally.verdict(), final)
        final = tally.verdict()
      }
    })
    fc.assert(property, { numRuns: 10_000 })
  })

  test('once every voter has answered nothing is pending', () => {
    const property = fc.property(someConfig, fc.infiniteStream(fc.boolean()), (config, says) => {
      const quorum = dataQuorum(config)
      const tally = new Tally(quorum)
      for (const voter of quorum.voters) {
        if (says.next().value) tally.yes(voter.id)
        else tally.no(voter.id)
      }
      assert.notEqual(tally.verdict(), 'pending')
    })
    fc.assert(property, { numRuns: 10_000 })
  })

  test('any two winning sets of one config share a voter, inside a cluster that both won', () => {
    const property = fc.property(someConfig, someIdentities, someIdentities, (config, a, b) => {
      const [inA, inB] = [idsOf(a), idsOf(b)]
      for (const clusters of setsOf(config)) {
        if (!wins([clusters], inA) || !wins([clusters], inB)) continue
        const wonByBoth = [...clusters.values()].filter((voters) => {
          return [inA, inB].every((ids) => voters.filter(({ id }) => ids.has(id)).length > voters.length / 2)
        })
        assert(wonByBoth.flat().some(({ id }) => inA.has(id) && inB.has(id)))
      }
    })
    fc.assert(property, { numRuns: MANY_RUNS })
  })

  test('a data quorum of a joint config meets every quorum of the old set and every quorum of the new', () => {
    const property = fc.property(someClusters, someClusters, someIdentities, someIdentities, (clusters, next, a, b) => {
      const [inA, inB] = [idsOf(a), idsOf(b)]
      if (!wins([clusters, next], inA)) return
      for (const set of [clusters, next]) if (wins([set], inB)) assert([...inA].some((id) => inB.has(id)))
    })
    fc.assert(property, { numRuns: 10_000 })
  })
})

suite('who is asked', () => {
  test('a quorum names each voter of its sets once, by the cluster it is reached through', () => {
    const property = fc.property(someConfig, (config) => {
      const quorum = dataQuorum(config)
      const ids = quorum.voters.map(({ id }) => id)
      assert.deepEqual(new Set(ids), votersOf(setsOf(config)))
      assert.equal(new Set(ids).size, ids.length)
      assert.deepEqual(
        [...quorum.votersByCluster.values()]
          .flat()
          .map(({ id }) => id)
          .toSorted(),
        ids.toSorted(),
      )
    })
    fc.assert(property, { numRuns: 5_000 })
  })

  test('a voter that moves between the two sets of a joint config counts in both', () => {
    const property = fc.property(someClusters, someClusters, (clusters, next) => {
      const quorum = new Quorum([clusters, next])
      for (const voter of quorum.voters) {
        const places = [clusters, next].filter((set) => members(set).some(({ id }) => id === voter.id)).length
        assert.equal(quorum.blocksOf(voter.id)?.length, places)
      }
    })
    fc.assert(property, { numRuns: 5_000 })
  })

  test('the next config is decided by the old clusters alone, joint or not', () => {
    const property = fc.property(someConfig, (config) => {
      assert.deepEqual(idsOf(configQuorum(config).voters), votersOf([config.clusters]))
      assert.deepEqual(configQuorum(config).setEnds, [config.clusters.size])
    })
    fc.assert(property, { numRuns: 1_000 })
  })
})

suite('transfer', () => {
  const someCoverage = fc.array(fc.tuple(someIdentity, someIdentities), { maxLength: 12 }).map((entries) => {
    return new Map(entries.map(([holder, sources]) => [holder.id, idsOf(sources)] as const))
  })

  /**
   * Every smallest way to have chosen a key: it must be held by a new quorum, through a list of
   * somebody who accepted it.
   */
  function isSafe(old: Clusters, next: Clusters, coverage: ReadonlyMap<IdentityId, ReadonlySet<IdentityId>>): boolean {
    const voters = members(old)
    for (let bits = 0; bits < 2 ** voters.length; bits += 1) {
      const acceptedBy = idsOf(voters.filter((_, index) => (bits & (1 << index)) !== 0))
      if (!wins([old], acceptedBy)) continue
      const holders = [...coverage].filter(([, sources]) => [...sources].some((source) => acceptedBy.has(source))).map(([holder]) => holder)
      if (!wins([next], new Set(holders))) return false
    }
    return true
  }

  test('a transfer that counts as done leaves no key behind, whichever old quorum had accepted it', () => {
    let done = 0
    const property = fc.property(someClusters, someClusters, someCoverage, (old, next, coverage) => {
      fc.pre(members(old).length <= 8)
      if (!isTransferred(old, next, coverage)) return
      done += 1
      assert(isSafe(old, next, coverage))
    })
    fc.assert(property, { numRuns: 20_000 })
    assert(done > 100, `only ${done} of the random transfers were done: the test shows little`)
  })

  test('when every new voter holds the list of every old one, it is done', () => {
    const property = fc.property(someClusters, someClusters, (old, next) => {
      const sources = idsOf(members(old))
      assert.equal(isTransferred(old, next, new Map(members(next).map(({ id }) => [id, sources]))), true)
    })
    fc.assert(property, { numRuns: 1_000 })
  })

  test('what is shown of it is whole when it is done, and only then', () => {
    const property = fc.property(someClusters, someClusters, someCoverage, (old, next, coverage) => {
      const { covered, needed } = transferProgress(old, next, coverage)
      assert(covered >= 0 && covered <= needed && needed > 0)
      assert.equal(covered === needed, isTransferred(old, next, coverage))
    })
    fc.assert(property, { numRuns: 5_000 })
  })

  test('it is never done without a list of an old quorum, or without a quorum of new voters', () => {
    const property = fc.property(someClusters, someClusters, someCoverage, (old, next, coverage) => {
      const holders = members(next).filter(({ id }) => (coverage.get(id)?.size ?? 0) > 0)
      const sources = new Set(holders.flatMap(({ id }) => [...(coverage.get(id) ?? [])]))
      if (isTransferred(old, next, coverage)) assert(wins([next], idsOf(holders)) && wins([old], sources))
    })
    fc.assert(property, { numRuns: 20_000 })
  })
})
