/** What a read round may conclude, against the definition: protocol, section 7. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { compareBallots } from '../../protocols/base/ballot.ts'
import type { Ballot } from '../../protocols/base/ballot.ts'
import type { Identity, IdentityId } from '../../protocols/base/identity.ts'
import type { ValueRecord } from '../../protocols/base/record.ts'
import type { Config } from '../../protocols/base/config.ts'
import { dataQuorum, holdsMajority } from '../../protocols/base/quorum.ts'
import { unitsOf } from '../../protocols/base/units.ts'
import type { Unit } from '../../protocols/base/units.ts'
import { ReadCount } from '../../protocols/agreement/read-count.ts'
import { peer, recordOf } from '../unit/core-harness.ts'
import { someConfig } from './core-arbitraries.ts'

const EPOCH = 2
/** Few, so that equal ones meet; of the epoch counted and of an earlier one. */
const BALLOTS: readonly Ballot[] = [1, EPOCH].flatMap((epoch) => ['a', 'b'].map((by) => ({ epoch, round: 1, by: peer(by) })))

type Said = 'none' | 'older epoch' | Ballot

const someSaid: fc.Arbitrary<Said> = fc.oneof(
  { weight: 3, arbitrary: fc.constant('none' as const) },
  { weight: 1, arbitrary: fc.constant('older epoch' as const) },
  { weight: 4, arbitrary: fc.constantFrom(...BALLOTS) },
)

/** One record a ballot: that is what ballots are for. */
function recordAt(ballot: Ballot): ValueRecord {
  return recordOf(`${ballot.epoch}.${ballot.by.peerId}`)
}

function holds(config: Config, ids: ReadonlySet<IdentityId>): boolean {
  const has = ({ id }: Identity): boolean => ids.has(id)
  return holdsMajority(config.clusters, has) && (config.next === undefined || holdsMajority(config.next, has))
}

/** As it is counted, whatever its own epoch. */
function installed(config: Config): { readonly config: Config; readonly units: readonly Unit[] } {
  return { config: { ...config, epoch: EPOCH }, units: unitsOf(config.clusters) }
}

function expected(config: Config, said: ReadonlyMap<IdentityId, Said>): string {
  const counted = [...said].filter(([, what]) => what !== 'older epoch')
  const sayers = (of: (what: Said) => boolean): Set<IdentityId> => new Set(counted.filter(([, what]) => of(what)).map(([id]) => id))
  if (
    holds(
      config,
      sayers((what) => what === 'none'),
    )
  )
    return 'absent'
  for (const ballot of BALLOTS) {
    const isAt = (what: Said): boolean => typeof what !== 'string' && compareBallots(what, ballot) === 0
    if (ballot.epoch === EPOCH && holds(config, sayers(isAt))) return `chosen ${ballot.by.peerId}`
  }
  return holds(
    config,
    sayers(() => true),
  )
    ? 'doubt'
    : 'pending'
}

suite('a read round', () => {
  test('shows what the definition says after each answer', () => {
    const met = new Set<string>()
    const property = fc.property(someConfig, fc.infiniteStream(someSaid), (config, says) => {
      const quorum = dataQuorum(config)
      const count = new ReadCount(quorum, installed(config))
      const said = new Map<IdentityId, Said>()
      for (const sender of quorum.voters) {
        const what = says.next().value as Said
        said.set(sender.id, what)
        const accepted = typeof what === 'string' ? undefined : { ballot: what, record: recordAt(what) }
        const result = count.add({ sender, body: { kind: 'seen', epoch: what === 'older epoch' ? EPOCH - 1 : EPOCH, accepted } })
        const before = expected(config, said)
        const told = result.kind === 'chosen' ? `chosen ${result.ballot?.by.peerId}` : result.kind
        // An answer that does not count says nothing new, and is told so.
        assert.equal(told, what === 'older epoch' ? 'pending' : before)
        met.add(result.kind)
        if (result.kind === 'chosen') assert.deepEqual(result.record, recordAt(result.ballot as Ballot))
        if (result.kind !== 'pending') return
      }
    })
    fc.assert(property, { numRuns: 20_000 })
    assert.deepEqual([...met].toSorted(), ['absent', 'chosen', 'doubt', 'pending'])
  })

  test('one voter that knows the record to be chosen is enough', () => {
    const property = fc.property(someConfig, (config) => {
      const quorum = dataQuorum(config)
      const [sender] = quorum.voters
      assert(sender !== undefined)
      const record = recordOf('x')
      assert.deepEqual(new ReadCount(quorum, installed(config)).add({ sender, body: { kind: 'chosen', record } }), {
        kind: 'chosen',
        record,
        ballot: undefined,
      })
    })
    fc.assert(property, { numRuns: 100 })
  })

  test('an offer that a quorum took is chosen no sooner than its home accepted it', () => {
    const property = fc.property(someConfig, fc.infiniteStream(fc.boolean()), (config, coins) => {
      const quorum = dataQuorum(config)
      const { units } = installed(config)
      const [home] = units
      const [ballot] = BALLOTS.filter(({ epoch }) => epoch === EPOCH)
      assert(home !== undefined && ballot !== undefined)
      const count = new ReadCount(quorum, installed(config))
      const [said, plainly] = [new Set<IdentityId>(), new Set<IdentityId>()]
      let isAnyOffered = false
      for (const sender of quorum.voters) {
        const isPlain = coins.next().value === true
        const accepted = { ballot, record: recordAt(ballot) }
        said.add(sender.id)
        if (isPlain) plainly.add(sender.id)
        else isAnyOffered = true
        const result = count.add({
          sender,
          body: { kind: 'seen', epoch: EPOCH, accepted: isPlain ? accepted : { ...accepted, home: home.home } },
        })
        const isOfHome = config.next === undefined && home.voters.filter(({ id }) => plainly.has(id)).length * 2 > home.voters.length
        const whenHeld = !isAnyOffered || isOfHome ? 'chosen' : 'doubt'
        const wanted: string = holds(config, said) ? whenHeld : 'pending'
        assert.equal(result.kind, wanted)
        if (result.kind !== 'pending') return
      }
    })
    fc.assert(property, { numRuns: 5_000 })
  })
})
