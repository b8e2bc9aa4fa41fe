/** What a quorum makes of offers, against what may have been chosen: `protocols/agreement/offers.ts`. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import type { Config } from '../../protocols/base/config.ts'
import type { Accepted } from '../../protocols/base/record.ts'
import type { ClusterId, Identity, IdentityId, NetworkId } from '../../protocols/base/identity.ts'
import { holdsMajority } from '../../protocols/base/quorum.ts'
import { unitsNeeded, unitsOf } from '../../protocols/base/units.ts'
import type { Unit } from '../../protocols/base/units.ts'
import { toFinish } from '../../protocols/agreement/offers.ts'
import { isOfferChosen } from '../simulation/checkers/offers.ts'
import { peer, recordOf } from '../unit/core-harness.ts'

/** Every shape of few voters: one cluster of two to five, or two to five clusters of one to three. */
const SHAPES: readonly (readonly number[])[] = [
  ...[2, 3, 4, 5].map((size) => [size]),
  ...[1, 2, 3].flatMap((a) => [1, 2, 3].map((b) => [a, b])),
  ...[1, 2, 3].flatMap((a) => [1, 2, 3].flatMap((b) => [1, 3].map((c) => [a, b, c]))),
  [1, 1, 1, 1],
  [3, 2, 1, 1],
  [1, 1, 1, 1, 1],
  [2, 1, 3, 1, 1],
]

function configOf(sizes: readonly number[]): Config {
  const clusters = new Map(
    sizes.map((size, place) => [`c${place}` as ClusterId, Array.from({ length: size }, (_, member) => peer(`p${place}${member}`))]),
  )
  return { networkId: '' as NetworkId, epoch: 0, clusters, forming: false, protocolMin: 4 }
}

const BALLOT = { epoch: 0, round: 5, by: peer('p00') }
const RECORD = recordOf('chosen')
const LOWER: Accepted = { ballot: { ...BALLOT, round: 3 }, record: recordOf('lower') }

/**
 * A state in which one offer is chosen: enough other units hold it whole, and a majority of home
 * plainly. The rest hold nothing, the offer, something lower, or the offer of a rival that came
 * later, which only who held nothing can have taken.
 */
function drawChosen(units: readonly Unit[], draw: (limit: number) => number): Map<IdentityId, Accepted | undefined> {
  const home = units[0] as Unit
  const others = units.slice(1).toSorted(() => draw(3) - 1)
  const whole = others.slice(0, unitsNeeded(units.length) - 1)
  const rival = others.length > whole.length ? others.at(-1) : undefined
  const offered: Accepted = { ballot: BALLOT, record: RECORD, home: home.home }
  const overtaken = (): Accepted | undefined =>
    rival && { ballot: { ...BALLOT, round: 4 + 2 * draw(2), by: peer('r') }, record: recordOf('rival'), home: rival.home }
  const state = new Map<IdentityId, Accepted | undefined>()
  const ballotOfRival = overtaken()
  for (const [place, voter] of home.voters.entries()) {
    const isOfMajority = place < Math.floor(home.voters.length / 2) + 1
    state.set(voter.id, isOfMajority ? { ballot: BALLOT, record: RECORD } : [undefined, ballotOfRival][draw(2)])
  }
  for (const unit of others) {
    for (const { id } of unit.voters) {
      if (whole.includes(unit)) state.set(id, offered)
      else
        state.set(
          id,
          unit === rival && units.every(({ voters }) => voters.length === 1) ? ballotOfRival : [undefined, offered, LOWER][draw(3)],
        )
    }
  }
  return state
}

suite('what a reserve quorum makes of offers', () => {
  test('an offer that is chosen is found by every quorum, in every shape of few voters', () => {
    const property = fc.property(fc.constantFrom(...SHAPES), fc.infiniteStream(fc.nat(1_000_000)), (sizes, numbers) => {
      const draw = (limit: number): number => (numbers.next().value as number) % limit
      const config = configOf(sizes)
      const units = unitsOf(config.clusters)
      const state = drawChosen(units, draw)
      const plain = new Set<IdentityId>()
      const all = new Set<IdentityId>()
      for (const [id, accepted] of state) {
        if (accepted?.record !== RECORD) continue
        all.add(id)
        if (accepted.home === undefined) plain.add(id)
      }
      const home = units[0]
      assert(home !== undefined)
      assert(isOfferChosen(config, home.home, plain, all))
      const voters: readonly Identity[] = [...config.clusters.values()].flat()
      for (let asked = 0; asked < 2 ** voters.length; asked += 1 + draw(voters.length > 7 ? 9 : 1)) {
        const inside = voters.filter((_, place) => Math.floor(asked / 2 ** place) % 2 === 1)
        if (!holdsMajority(config.clusters, ({ id }) => inside.some((voter) => voter.id === id))) continue
        const found = toFinish(new Map(inside.map(({ id }) => [id, state.get(id)])), units)
        assert.equal(found?.record, RECORD)
      }
    })
    fc.assert(property, { numRuns: 2_000 })
  })

  test('an offer that all voters of the one cluster took is found by every quorum', () => {
    for (const size of [2, 3, 4, 5]) {
      const units = unitsOf(configOf([size]).clusters)
      const offered: Accepted = { ballot: BALLOT, record: RECORD, home: (units[0] as Unit).home }
      for (let asked = 1; asked < 2 ** size; asked += 1) {
        const inside = units.filter((_, place) => Math.floor(asked / 2 ** place) % 2 === 1).flatMap(({ voters }) => voters)
        if (inside.length * 2 <= size) continue
        assert.equal(toFinish(new Map(inside.map(({ id }) => [id, offered])), units)?.record, RECORD)
      }
    }
  })

  test('an offer that home promised away is dead, and comes before nothing but what is new', () => {
    const units = unitsOf(configOf([3]).clusters)
    const [home, other] = units as [Unit, Unit]
    const offered: Accepted = { ballot: BALLOT, record: RECORD, home: home.home }
    const shown = new Map<IdentityId, Accepted | undefined>([
      [(home.voters[0] as Identity).id, undefined],
      [(other.voters[0] as Identity).id, offered],
    ])
    assert.equal(toFinish(shown, units)?.record, RECORD)
    shown.set((home.voters[0] as Identity).id, LOWER)
    assert.equal(toFinish(shown, units)?.record, LOWER.record)
  })
})
