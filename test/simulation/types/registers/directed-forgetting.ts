/**
 * Scenarios of forgetting, and of registers over changes of the config, written by hand: what
 * chance hardly ever meets.
 */
import { CEILING_STRIDE_ROUNDS } from '../../../../protocols/base/ballot.ts'
import type { Ballot } from '../../../../protocols/base/ballot.ts'
import { dataKey } from '../../../../protocols/base/register.ts'
import type { RegisterKey } from '../../../../protocols/base/register.ts'
import { registerCollection } from '../../../../protocols/registers/collection.ts'
import { stub } from '../../../../protocols/registers/record.ts'
import { Showing } from '../../../../protocols/registers/showing.ts'
import { utf8 } from '../../../../src/bytes.ts'
import { check } from '../../checkers/violation.ts'
import { KEY, Stage, identityOf } from './stage.ts'
import type { Arrives, RegisterScenario } from './stage.ts'

const ALL: Arrives = () => true
/** Has a deletion, so that there is something to forget. */
const OTHER: RegisterKey = dataKey('other')

/** Messages among these alone. */
function among(names: string): Arrives {
  return (from, to) => names.includes(from) && names.includes(to)
}

function expectTold(stage: Stage, told: string, what: string): void {
  check(stage.told === told, 'V9', () => `${what} is told ${stage.told}, not ${told}`)
}

/** A deletion of another register that everybody holds. */
function deleteOther(stage: Stage): void {
  stage.put('A', 'x', { key: OTHER })
  stage.play(ALL, 500)
  stage.delete('A', 'y', OTHER)
  stage.play(ALL, 500)
}

function sweptAt(stage: Stage, name: string): boolean {
  return stage.peer(name).core.cells.swept !== undefined
}

/** A and C have deleted the register and forgotten it, and B still holds what was before. */
function forgottenButAtB(): Stage {
  const stage = new Stage()
  stage.put('A', 'first')
  stage.play(ALL, 500)
  stage.delete('A', 'gone')
  stage.play(among('AC'), 500)
  stage.awaitSweep()
  stage.play((from, to, name) => !(to === 'B' && name === 'learn') && !(from === 'B' && name === 'pull'), 30_000)
  check(sweptAt(stage, 'A') && sweptAt(stage, 'C') && !sweptAt(stage, 'B'), 'stage', () => 'A and C alone should have forgotten')
  check(stage.peer('A').core.cells.read(KEY).held === undefined, 'stage', () => 'A still holds the deletion')
  return stage
}

/**
 * What was chosen below the bar is hidden, at both voters that accepted it, by something that they
 * accepted above the bar.
 */
function hiddenAboveTheBar(): Stage {
  const stage = new Stage({ names: 'ABCD', voters: 'ABC' })
  deleteOther(stage)
  stage.awaitSweep()
  stage.put('D', 'first')
  stage.play((from, to, name) => among('BCD')(from, to, name) && name !== 'learn', 500, 'BCD')
  for (const [name, round] of [
    ['B', 3],
    ['C', 6],
  ] as const) {
    stage.peer(name).rounds.observe(round * CEILING_STRIDE_ROUNDS)
    stage.put(name, `at-${name}`, { forMs: 300 })
    stage.play((from, to, kind) => among('BC')(from, to, kind) && (kind !== 'commit' || to === name) && kind !== 'learn', 300, 'BC')
    stage.bounce(name)
  }
  return stage
}

/** Peer by peer, with what was accepted by D and E alone in the first of three configs. */
function voteLostAndGained(): Stage {
  const stage = new Stage({ names: 'ABCDE' })
  stage.put('A', 'first')
  stage.play(ALL, 500)
  stage.put('D', 'late', { forMs: 300 })
  stage.play((from, to, name) => among('CDE')(from, to, name) && (name !== 'commit' || 'DE'.includes(to)), 300)
  stage.bounce('D')
  stage.install(1, 'ABC', 'ABCDE')
  stage.delete('A', 'gone')
  stage.play(among('ABC'), 500)
  stage.awaitSweep()
  stage.play(among('ABC'), 30_000)
  check(sweptAt(stage, 'A') && sweptAt(stage, 'B'), 'stage', () => 'nothing is forgotten')
  stage.pull('D', 'A')
  stage.pull('E', 'A')
  stage.install(2, 'ADE', 'ABCDE')
  return stage
}

export const FORGETTING_SCENARIOS: readonly RegisterScenario[] = [
  {
    name: 'nothing is forgotten before every voter was asked',
    play() {
      const stage = new Stage()
      deleteOther(stage)
      stage.put('B', 'first')
      stage.play(among('BC'), 500)
      stage.awaitSweep()
      stage.play(among('A'), 1_000)
      stage.get('A')
      stage.play(among('AB'))
      expectTold(stage, 'first', 'a get')
    },
  },
  {
    name: 'what was pulled is on disk before a store says that it holds it',
    play() {
      const stage = new Stage()
      deleteOther(stage)
      stage.put('B', 'first')
      stage.play(among('BC'), 500)
      stage.awaitSweep()
      stage.play((_, to, name) => name !== 'pull' && !(to === 'A' && name === 'learn'), 1_000)
      stage.peer('A').isSlow = true
      stage.play(ALL, 1_500)
      check(sweptAt(stage, 'A'), 'stage', () => 'A has not swept')
      stage.peer('A').syncSlot('@swept')
      stage.peer('A').isSlow = false
      stage.bounce('A')
      stage.get('A')
      stage.play(among('AB'))
      expectTold(stage, 'first', 'a get')
    },
  },
  {
    name: 'what one voter still holds of a register that is gone is not shown',
    play() {
      const stage = forgottenButAtB()
      stage.get('A')
      stage.play(among('AB'))
      expectTold(stage, 'absent', 'a get')
    },
  },
  {
    name: 'what is gone is not learned again',
    play() {
      const stage = forgottenButAtB()
      stage.pull('A', 'B')
      stage.get('A', 'local')
      expectTold(stage, 'absent', 'a local get')
    },
  },
  {
    name: 'a deletion is not undone by an older value that a peer still has',
    play() {
      const stage = new Stage()
      stage.put('A', 'first')
      stage.play(ALL, 500)
      stage.delete('A', 'gone')
      stage.play(among('AC'), 500)
      stage.pull('A', 'B')
      stage.get('A', 'local')
      expectTold(stage, 'absent', 'a local get')
    },
  },
  {
    name: 'no commit at or below a bar is taken once it is barred',
    play() {
      const stage = new Stage()
      deleteOther(stage)
      stage.put('C', 'first', { forMs: 40_000 })
      stage.play((from, to, name) => among('BC')(from, to, name) && name !== 'commit', 300)
      stage.awaitSweep()
      const isOfSweep: Arrives = (from, _, name) => ['bar', 'barred'].includes(name) || (name === 'pull' && from === 'A')
      stage.play(isOfSweep, 1_500, 'AB')
      check(sweptAt(stage, 'A'), 'stage', () => 'A has not swept')
      stage.play((from, to, name) => among('BC')(from, to, name) && name !== 'learn', 2_000)
      const isApplied = stage.told === 'applied'
      stage.get('A')
      stage.play(among('AB'))
      check(stage.told === 'first' || !isApplied, 'V9', () => `the write is applied, and a get is told ${stage.told}`)
    },
  },
  {
    name: 'a voter that barred holds for good what it settled for that',
    play() {
      const stage = new Stage()
      stage.put('A', 'first')
      stage.play(ALL, 500)
      stage.delete('A', 'gone')
      stage.play((_, to, name) => !(to === 'B' && name === 'learn'), 500)
      check(stage.peer('B').core.cells.read(KEY).accepted !== undefined, 'stage', () => 'B is in no doubt')
      stage.awaitSweep()
      stage.peer('B').isSlow = true
      stage.play(ALL, 60, 'A')
      stage.peer('B').syncSlot('ceiling')
      stage.play(ALL, 1_500)
      stage.bounce('B')
      stage.peer('B').isSlow = false
      stage.play(ALL, 30_000)
      const { accepted } = stage.peer('B').core.cells.read(KEY)
      check(sweptAt(stage, 'B') && accepted === undefined, 'V11', () => `B is in doubt for ever about version ${accepted?.record.version}`)
    },
  },
  {
    name: 'what is hidden by something accepted above a bar is held before the bar is answered',
    play() {
      const stage = hiddenAboveTheBar()
      stage.play((_, to, name) => !(to === 'D' && name === 'learn'), 30_000)
      check(sweptAt(stage, 'D'), 'stage', () => 'D has forgotten nothing')
      stage.get('D', 'local')
      check(stage.told !== 'absent', 'V7', () => 'what D holds is taken for deleted, which it never was')
    },
  },
  {
    name: 'the number of what is gone counts',
    play() {
      const ballot: Ballot = { epoch: 0, round: 9, by: identityOf('A') }
      const showing = new Showing(new Stage().peer('A').installed.quorum)
      showing.add(identityOf('A'), { held: undefined, accepted: undefined, sweptTo: ballot, number: 2 })
      showing.add(identityOf('B'), { held: { ballot, record: stub(7) }, accepted: undefined, sweptTo: undefined, number: 0 })
      const { base, number } = showing.view()
      check(base === undefined && number === 7, 'V2', () => `the next version would be ${number + 1}`)
    },
  },
  {
    name: 'of a store that forgets while it is read the highest number counts',
    play() {
      const stage = new Stage()
      const ballot: Ballot = { epoch: 0, round: 9, by: identityOf('A') }
      const { cells } = stage.peer('A').core
      const source = registerCollection(stage.peer('A').core, utf8)
      const visit = registerCollection(stage.peer('B').core, utf8).visit?.(identityOf('A'), 0)
      for (const number of [2, 9]) {
        cells.sweep({ ballot, number }, [])
        visit?.told(source.mark?.() ?? new Uint8Array())
      }
      visit?.ended(true)
      const number = stage.peer('B').core.cells.swept?.number
      check(number === 9, 'V2', () => `${number} is taken over for the highest number`)
    },
  },
  {
    name: 'what was accepted before a vote was lost counts for nothing when it is back',
    play() {
      const stage = voteLostAndGained()
      stage.get('D')
      stage.play(among('DE'))
      expectTold(stage, 'absent', 'a get')
    },
  },
  {
    name: 'what was told under one config is not counted under the next',
    play() {
      const stage = new Stage({ names: 'ABCDE', voters: 'ABC' })
      stage.put('A', 'first')
      stage.play(ALL, 500)
      stage.install(1, 'CDE', 'CDE')
      stage.put('D', 'second')
      stage.play((from, to, name) => among('DE')(from, to, name) && name !== 'learn', 500)
      const written = stage.told
      stage.get('A')
      const withA =
        (names: string): Arrives =>
        (from, to) =>
          (from === 'A' && names.includes(to)) || (to === 'A' && names.includes(from))
      stage.play(withA('B'), 200)
      stage.play(withA('C'), 400)
      stage.play(withA('CD'), 1_000)
      check(written === 'applied' && stage.told === 'second', 'V6', () => `a get is told ${stage.told} after the second write`)
    },
  },
  {
    name: 'what a quorum accepted in an older epoch is committed again before it is shown',
    play() {
      const stage = new Stage({ names: 'ABCDE' })
      stage.put('A', 'first')
      stage.play(ALL, 500)
      stage.bounce('A')
      stage.put('A', 'low', { forMs: 200 })
      stage.play((from, to, name) => among('ABE')(from, to, name) && (name !== 'commit' || 'AB'.includes(to)), 200)
      stage.bounce('A')
      stage.peer('C').rounds.observe(CEILING_STRIDE_ROUNDS)
      stage.put('C', 'high', { forMs: 200 })
      stage.play((from, to, name) => among('CDE')(from, to, name) && (name !== 'commit' || to === 'C'), 200)
      stage.bounce('C')
      const accepted = ['A', 'B', 'C'].map((name) => stage.peer(name).core.cells.read(KEY).accepted?.record.writeId)
      check(accepted.join(' ') === 'low low high', 'stage', () => `accepted is ${accepted.join(' ')}`)
      stage.install(1, 'ABC', 'ABC')
      stage.get('A')
      stage.play((from, to, name) => among('AB')(from, to, name) && name !== 'learn')
      const first = stage.told
      stage.answers.length = 0
      stage.get('C')
      stage.play((from, to, name) => among('AC')(from, to, name) && name !== 'learn')
      check(stage.told === first, 'V6', () => `one get is told ${first}, the next ${stage.told}`)
    },
  },
]
