/** Scenarios of registers written by hand: what chance hardly ever meets. */
import { check } from '../../checkers/violation.ts'
import { KEY, Stage } from './stage.ts'
import { FORGETTING_SCENARIOS } from './directed-forgetting.ts'
import { FORWARD_SCENARIOS } from './directed-forwards.ts'
import type { Arrives, RegisterScenario } from './stage.ts'

const ALL: Arrives = () => true
const LONG_MS = 20_000

/** Messages among these alone, and commits to one of them alone. */
function among(names: string, committing: string): Arrives {
  return (from, to, name) => names.includes(from) && names.includes(to) && (name !== 'commit' || committing.includes(to))
}

export const REGISTER_SCENARIOS: readonly RegisterScenario[] = [
  {
    name: 'what a retry was refused is never applied by whoever finishes its first try',
    play() {
      const stage = new Stage()
      stage.put('A', 'first')
      stage.play(ALL)
      // Version 2 is accepted at C alone, and version 3, made on it, as well.
      stage.put('C', 'second')
      stage.play(among('AC', 'C'), 500)
      stage.bounce('C')
      stage.put('A', 'third', { condition: { kind: 'versions', versions: [2] }, after: 1 })
      stage.play(among('AC', 'C'), 1_500)
      stage.bounce('A')
      check(stage.peer('C').core.cells.read(KEY).accepted?.record.version === 3, 'stage', () => 'C has accepted no version 3')
      // The retry does not see them.
      stage.answers.length = 0
      stage.put('B', 'third', { condition: { kind: 'versions', versions: [2] }, after: 1 })
      stage.play(among('AB', 'AB'))
      const [answer] = stage.answers
      check(answer?.kind === 'refused', 'stage', () => `the retry is told ${answer?.kind}`)
      stage.bounce('B')
      stage.play(among('AC', 'AC'), 20_000)
      const { held } = stage.peer('C').core.cells.read(KEY)
      check(
        held?.record.writeId === 'first',
        'V5',
        () => `a write was refused, and ${held?.record.writeId} is version ${held?.record.version}`,
      )
    },
  },
  {
    name: 'a refusal of a retry rests on a quorum that took what is there again, and not on one voter that holds it',
    play() {
      const stage = new Stage({ names: 'ABCDE' })
      stage.put('A', 'first')
      // B accepts it, and does not hear yet that it is chosen.
      stage.play((_, to, name) => (name === 'learn' && to === 'B' ? 'later' : true), 500, 'ACDE')
      stage.bounce('A')
      // Version 2 is accepted at E alone, and version 3, made on it, as well.
      stage.put('D', 'second')
      stage.play(among('CDE', 'E'), 500, 'CDE')
      stage.bounce('D')
      stage.put('D', 'third', { condition: { kind: 'versions', versions: [2] }, after: 1 })
      stage.play(among('CDE', 'E'), 1_500, 'CDE')
      stage.bounce('D')
      check(stage.peer('E').core.cells.read(KEY).accepted?.record.version === 3, 'stage', () => 'E has accepted no version 3')
      // The retry does not see them. B takes version 1 again, its answer is lost, it hears that it is
      // chosen, and is asked once more.
      stage.answers.length = 0
      stage.put('A', 'third', { condition: { kind: 'versions', versions: [2] }, after: 1 })
      stage.play((from, to, name) => among('ABC', 'AB')(from, to, name) && !(from === 'B' && name === 'committed'), 1_000, 'A')
      stage.deliverKept()
      stage.play(among('ABC', 'AB'), 900, 'A')
      check(stage.peer('B').core.cells.read(KEY).held?.record.writeId === 'first', 'stage', () => 'B does not hold version 1')
      stage.bounce('A')
      stage.play(among('CDE', 'CDE'), 20_000)
      const { held } = stage.peer('E').core.cells.read(KEY)
      const told = stage.answers[0]?.kind
      check(held?.record.writeId === 'third', 'stage', () => `E holds ${held?.record.writeId}`)
      check(told !== 'refused', 'V5', () => `a write was refused, and is version ${held?.record.version}`)
    },
  },
  {
    name: 'a remembered ballot serves once',
    play() {
      const stage = new Stage()
      stage.put('A', 'first')
      stage.play(ALL)
      stage.put('A', 'second')
      stage.play(among('AC', 'C'), 20_000, 'A')
      check(stage.peer('C').core.cells.read(KEY).accepted?.record.version === 2, 'stage', () => 'C has accepted no version 2')
      stage.put('A', 'other')
      stage.play(ALL)
    },
  },
  {
    name: 'a version is above what was current at the first try of its write, as far as its client knows',
    play() {
      const stage = new Stage()
      stage.put('A', 'first', { after: 6 })
      stage.play(ALL, 500)
      const { held } = stage.peer('A').core.cells.read(KEY)
      check(held?.record.version === 7, 'V4', () => `a write after version 6 makes version ${held?.record.version}`)
    },
  },
  {
    name: 'versions go on after a deletion',
    play() {
      const stage = new Stage()
      stage.put('A', 'first')
      stage.play(ALL, 500)
      stage.delete('B', 'gone')
      stage.play(ALL, 500)
      stage.put('C', 'again', { after: 2 })
      stage.play(ALL, 500)
      const { held } = stage.peer('A').core.cells.read(KEY)
      check(held?.record.version === 3, 'V2', () => `what is written after version 2 is version ${held?.record.version}`)
    },
  },
  {
    name: 'of two tries that would make the same version, each tells what the chosen one was made on',
    play() {
      const stage = new Stage()
      stage.put('C', 'first')
      stage.play(ALL)
      // Version 2, a deletion, is accepted at C alone; on it A makes version 3, which arrives nowhere.
      stage.delete('C', 'gone')
      stage.play(among('BC', 'C'), 500)
      stage.bounce('C')
      stage.put('A', 'named', { forMs: LONG_MS })
      stage.play(among('AC', ''), 1_500)
      check(stage.peer('A').core.coordinator.size === 1, 'stage', () => `the write at A is ${stage.told}`)
      // Another version 2 is chosen, and on it B makes version 3, of the same write.
      const withoutQuestionsOfA: Arrives = (from, to, name) =>
        among('AB', 'AB')(from, to, name) && !(from === 'A' && ['reserve', 'commit'].includes(name))
      stage.put('B', 'other')
      stage.play(withoutQuestionsOfA, 1_500)
      check(stage.peer('B').core.cells.read(KEY).held?.record.version === 2, 'stage', () => `the other write is ${stage.told}`)
      stage.put('B', 'named')
      stage.play(withoutQuestionsOfA, 500)
      stage.answers.length = 0
      stage.play(among('AB', 'AB'), LONG_MS)
      const [answer] = stage.answers
      check(answer?.kind === 'applied' && answer.version === 3, 'stage', () => `the write at A is ${stage.told}`)
      check(
        !answer.wasAbsent && answer.isRepeated,
        'V5',
        () => 'a write is said to have made something of nothing, and something was there',
      )
    },
  },
  ...FORGETTING_SCENARIOS,
  ...FORWARD_SCENARIOS,
]
