/** Ballots and ceilings: the total order that everything else rests on. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { compareBallots, compareCeilings, higherCeiling, isCovered } from '../../protocols/base/ballot.ts'
import type { Ballot } from '../../protocols/base/ballot.ts'
import { identity } from '../../protocols/base/identity.ts'
import { INCARNATION_HIGHEST, PEER_ID_HIGHEST } from '../../protocols/base/limits.ts'
import { peer } from '../unit/core-harness.ts'
import { someBallot, someCeiling } from './core-arbitraries.ts'

const RUNS = 20_000

/** The four parts in their order, as one text that sorts as they do. */
function sortText({ epoch, round, by }: Ballot): string {
  return [epoch, round].map((part) => String(part).padStart(3, '0')).join('') + by.peerId + by.incarnation
}

suite('ballots', () => {
  test('they are ordered by epoch, then round, then peer, then incarnation', () => {
    const property = fc.property(someBallot, someBallot, (a, b) => {
      const [textOfA, textOfB] = [sortText(a), sortText(b)]
      assert.equal(Math.sign(compareBallots(a, b)), textOfA === textOfB ? 0 : textOfA < textOfB ? -1 : 1)
    })
    fc.assert(property, { numRuns: RUNS })
  })

  test('the order is total and transitive', () => {
    const property = fc.property(someBallot, someBallot, someBallot, (a, b, c) => {
      assert.equal(Math.sign(compareBallots(a, b)), 0 - Math.sign(compareBallots(b, a)))
      if (compareBallots(a, b) <= 0 && compareBallots(b, c) <= 0) assert(compareBallots(a, c) <= 0)
    })
    fc.assert(property, { numRuns: RUNS })
  })

  test('only the same peer with the same store has an equal ballot', () => {
    const ballot: Ballot = { epoch: 1, round: 1, by: peer('a') }
    assert.equal(compareBallots(ballot, { ...ballot, by: peer('a') }), 0)
    assert.notEqual(compareBallots(ballot, { ...ballot, by: peer('a', 1) }), 0)
  })
})

suite('ceilings', () => {
  test('a ceiling covers exactly the ballots up to the highest one of its round', () => {
    const by = identity(PEER_ID_HIGHEST, INCARNATION_HIGHEST)
    const property = fc.property(someBallot, someCeiling, (ballot, ceiling) => {
      assert.equal(isCovered(ballot, ceiling), compareBallots(ballot, { ...ceiling, by }) <= 0)
    })
    fc.assert(property, { numRuns: RUNS })
  })

  test('what a ceiling covers, a higher one covers', () => {
    const property = fc.property(someBallot, someCeiling, someCeiling, (ballot, a, b) => {
      const higher = higherCeiling(a, b)
      assert(compareCeilings(higher, a) >= 0 && compareCeilings(higher, b) >= 0)
      assert.equal(isCovered(ballot, higher), isCovered(ballot, a) || isCovered(ballot, b))
    })
    fc.assert(property, { numRuns: RUNS })
  })
})
