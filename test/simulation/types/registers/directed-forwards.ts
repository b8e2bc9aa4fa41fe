/** Scenarios of writes that are handed to the owner of a ballot, written by hand. */
import { compareBallots } from '../../../../protocols/base/ballot.ts'
import { check } from '../../checkers/violation.ts'
import { KEY, Stage } from './stage.ts'
import type { Arrives, RegisterScenario } from './stage.ts'

const ALL: Arrives = () => true
const LONG_MS = 20_000
/** More than a register remembers. */
const WAITING = 400
/** One there and one back. */
const FORWARDS_MAX = 2

/** Messages among these alone. */
function among(names: string): Arrives {
  return (from, to) => names.includes(from) && names.includes(to)
}

/** A has written last, and B was refused for it. */
function ownedByA(): Stage {
  const stage = new Stage()
  stage.put('A', 'first')
  stage.play(ALL, 500)
  stage.refuseTwice('B', 'A')
  stage.answers.length = 0
  return stage
}

function heldAt(stage: Stage, name: string): string | undefined {
  return stage.peer(name).core.cells.read(KEY).held?.record.writeId
}

export const FORWARD_SCENARIOS: readonly RegisterScenario[] = [
  {
    name: 'a write that is forwarded is committed at the ballot that it was sent to',
    play() {
      const stage = ownedByA()
      const before = stage.peer('A').core.cells.read(KEY).held
      stage.put('B', 'second')
      stage.play(ALL, 500)
      const { held } = stage.peer('B').core.cells.read(KEY)
      check(stage.told === 'applied' && held?.record.version === 2, 'V6', () => `the write is ${stage.told}`)
      check(before !== undefined && compareBallots(before.ballot, held.ballot) === 0, 'V6', () => 'it has another ballot')
    },
  },
  {
    name: 'a write whose forward is not answered is not said to be applied nowhere',
    play() {
      const stage = ownedByA()
      stage.put('B', 'second', { forMs: 700, isNamed: false })
      stage.play((_, __, name) => name !== 'forwarded', 900)
      check(heldAt(stage, 'A') === 'second', 'stage', () => 'A has not committed it')
      check(stage.told !== 'not-applied', 'V5', () => 'a write is applied, and said not to be')
    },
  },
  {
    name: 'a write whose forward is not answered is applied once',
    play() {
      const stage = ownedByA()
      stage.put('B', 'second', { forMs: LONG_MS })
      stage.play((_, __, name) => name !== 'forwarded', 4_000)
      const { held } = stage.peer('A').core.cells.read(KEY)
      check(stage.told === 'applied' && held?.record.version === 2, 'V4', () => `${stage.told}, and version ${held?.record.version}`)
    },
  },
  {
    name: 'a write that is forwarded to a busy owner is not forgotten behind what waits there',
    play() {
      const stage = ownedByA()
      for (let number = 1; number <= WAITING; number += 1) stage.put('A', `own-${number}`, { isNamed: false, forMs: LONG_MS })
      stage.put('B', 'second', { isNamed: false, forMs: LONG_MS })
      stage.play(ALL, 1_000)
      const kinds = new Set(stage.answers.map(({ kind }) => kind))
      check(stage.answers.length === WAITING + 1, 'stage', () => `${stage.answers.length} writes have ended`)
      check(kinds.size === 1 && kinds.has('applied'), 'V5', () => `writes that were sent once are ${[...kinds].join(' and ')}`)
    },
  },
  {
    name: 'the owner of a ballot commits a forwarded write at that ballot or never',
    play() {
      const stage = new Stage()
      stage.put('A', 'first')
      stage.play(ALL, 500)
      stage.delete('A', 'gone')
      stage.play(ALL, 500)
      stage.refuseTwice('B', 'A')
      stage.put('B', 'second', { condition: { kind: 'absent' }, forMs: LONG_MS })
      stage.play((from, to, name) => from === 'B' && to === 'A' && name === 'forward', 200)
      stage.put('C', 'other')
      stage.play(among('BC'), 700)
      stage.play(among('BC'), 3_000)
      check(stage.told === 'refused', 'stage', () => `the forwarded write is ${stage.told}`)
      stage.delete('C', 'gone-again')
      stage.play(among('BC'), 500)
      stage.play(ALL, 5_000)
      check(heldAt(stage, 'A') !== 'second', 'V5', () => 'a write was refused, and is what is held')
    },
  },
  {
    name: 'once a write goes on alone, what the owner of the ballot says counts for nothing',
    play() {
      const stage = ownedByA()
      stage.put('A', 'second')
      stage.play((from, to, name) => from === 'A' && to === 'A' && name === 'commit', 40, 'A')
      stage.put('B', 'third', { condition: { kind: 'absent' }, forMs: LONG_MS })
      stage.play((from, to, name) => from === 'B' && to === 'A' && name === 'forward', 40, 'B')
      stage.put('A', 'fourth')
      stage.play((from, to, name) => (name === 'forwarded' ? 'later' : among('AC')(from, to, name)), 400, 'A')
      check(heldAt(stage, 'A') === 'fourth', 'stage', () => `A holds ${heldAt(stage, 'A')}`)
      stage.delete('C', 'gone')
      stage.play(among('AC'), 300, 'C')
      stage.answers.length = 0
      stage.play((from, to, name) => among('BC')(from, to, name) && name !== 'commit', 1_500, 'B')
      stage.deliverKept()
      stage.play(among('ABC'), 3_000, 'B')
      check(stage.told === 'applied', 'V5', () => `a write that is under way is told ${stage.told}`)
      check(heldAt(stage, 'B') === 'third', 'V5', () => `B holds ${heldAt(stage, 'B')}`)
    },
  },
  {
    name: 'what was forwarded is not forwarded on',
    play() {
      const stage = ownedByA()
      stage.put('B', 'second')
      stage.play(ALL, 500)
      for (const [name, owner] of ['AB', 'BA'].map((pair) => pair.split(''))) stage.refuseTwice(name ?? '', owner ?? '')
      stage.peer('A').core.remembered.clear()
      stage.answers.length = 0
      stage.put('A', 'third')
      let forwards = 0
      stage.play((_, __, name) => (forwards += Number(name === 'forward')) >= 0, 1_500)
      check(stage.told === 'applied', 'L1', () => `the write is ${stage.told}`)
      check(forwards <= FORWARDS_MAX, 'L1', () => `a write was forwarded ${forwards} times`)
    },
  },
]
