/**
 * Scenarios of what comes late, or comes back: commits after their put's deadline, a crash at the
 * worst moment, an old store, a full disk.
 */
import { dataKey } from '../../protocols/base/register.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import type { AcceptorRequest } from '../../protocols/wire/agreement-messages.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { check } from './checkers/violation.ts'
import { KeyStage, text } from './types/keys/stage.ts'
import type { Scenario } from './stage.ts'

const KEY = dataKey('k')
const OTHER_KEY = dataKey('j')
const SHORT_MS = 500
const LONG_MS = 10_000
/** By then a change has been decided and installed, or given up by whoever crashed. */
const INSTANTS_MS = 45
const INSTANT_MS = 1.5

export const LATE_SCENARIOS: readonly Scenario[] = [
  { name: 'T4-late-commits', play: lateCommits },
  { name: 'T5-ceiling-behind-its-config', play: ceilingBehindItsConfig },
  { name: 'older-store-put-back', play: olderStorePutBack },
  { name: 'late-word-of-coverage', play: lateWordOfCoverage },
  { name: 'overdue-questions', play: overdueQuestions },
]

/** A change whose new voters are away is withdrawn by then. */
const WITHDRAWN_MS = 12_000
/** Longer than any wait of a pull, as long as a machine sleeps. */
const SLEEPS_MS = [12_000, 60_000]
/** A pull that has no answer is not the only one for longer than this. */
const TWO_PULLS_MS = 2_500

/** What a message asks an acceptor, directly or through a representative. */
function requestIn(message: Message, key: RegisterKey): AcceptorRequest['kind'] | undefined {
  if (message.kind !== 'request' && message.kind !== 'relay') return undefined
  return message.body.key === key ? message.body.kind : undefined
}

/**
 * T4: a get answers absent, the commits arrive, the key appears: allowed after a 504, never after a
 * 503.
 */
function lateCommits(): string[] {
  const stage = new KeyStage({ c: ['A', 'B', 'C'] })
  stage.start()
  stage.fate = (from, _, message) => (from === 'A' && requestIn(message, KEY) === 'commit' ? 'waits' : 'arrives')
  const outcome = stage.put('A', KEY, text('x'), SHORT_MS)
  check(outcome === 'in-doubt', 'S4', () => `a put whose commits are under way ended ${outcome}`)
  stage.isolate('A')
  check(stage.get('B', KEY, LONG_MS) === 'absent', 'S6', () => 'two of three voters know nothing of k, and do not say so')
  stage.letGo()
  check(stage.get('B', KEY, LONG_MS) === 'x', 'S1', () => 'the commits have arrived at two of three voters, and k is not x')
  stage.mend('A')

  // The promises come after the deadline: nothing may be sent any more that could make the key
  // appear.
  let commits = 0
  stage.fate = (from, to, message) => {
    if (from === 'A' && requestIn(message, OTHER_KEY) === 'commit') commits += 1
    return to === 'A' && message.kind === 'reply' && message.vote.body.kind === 'promised' ? 'waits' : 'arrives'
  }
  stage.pass(SHORT_MS)
  const refused = stage.put('A', OTHER_KEY, text('y'), SHORT_MS)
  check(refused === 'not-stored', 'S4', () => `a put that sent no commit ended ${refused}`)
  stage.letGo()
  stage.fate = () => 'arrives'
  const shown = stage.getEverywhere(OTHER_KEY)
  stage.lines.push(`${commits} commits of j were sent; every get of it ends ${shown.join(' and ')}`)
  check(commits === 0 && shown.join() === 'absent', 'S4', () => `j was not stored, and ${commits} commits left, gets end ${shown.join()}`)
  return stage.lines
}

/**
 * T5: at whatever instant a voter crashes while a config is installed, no ceiling on its disk names
 * an epoch that is not there.
 */
function ceilingBehindItsConfig(): string[] {
  const lines: string[] = []
  const seen = new Set<string>()
  for (const looseRate of [0, 1]) {
    for (let elapsedMs = 0; elapsedMs < INSTANTS_MS; elapsedMs += INSTANT_MS) {
      const stage = new KeyStage({ c: ['A', 'B', 'C', 'D'] }, { c: ['A', 'B', 'C'] }, { looseRate })
      stage.start()
      stage.slow('B', 3)
      stage.propose({ c: ['A', 'B', 'C', 'D'] })
      // So that ballots of the new epoch come as soon as it is there.
      for (let atMs = 0; atMs < elapsedMs; atMs += INSTANT_MS) {
        stage.beginPut('A', dataKey(`k${atMs}`), text('x'), LONG_MS)
        stage.pass(INSTANT_MS)
      }
      stage.crash('B')
      const { ceiling, epoch } = stage.onDisk('B')
      check(
        ceiling.epoch <= epoch,
        'S8',
        () => `${elapsedMs} ms after the change began B has the ceiling of ${ceiling.epoch}, its configs end at ${epoch}`,
      )
      seen.add(`a crash leaves configs up to ${epoch}, and a ceiling of epoch ${ceiling.epoch}`)
    }
  }
  lines.push(...[...seen].toSorted())
  check(seen.size >= 2, 'S8', () => `no crash struck before, or none after the config was there: ${lines.join('; ')}`)
  return lines
}

/**
 * Beyond the model, and guarded against: C comes back with a store from before it took part in
 * choosing k. Whoever remembers its higher ceiling leaves it out, so that it makes no quorum with a
 * voter that knows as little.
 */
function olderStorePutBack(): string[] {
  const stage = new KeyStage({ c: ['A', 'B', 'C'] })
  stage.start()
  stage.crash('C')
  const copy = stage.copyOf('C')
  stage.comeBack('C')
  stage.pass(LONG_MS)
  stage.isolate('B')
  check(stage.put('A', KEY, text('x')) === 'created', 'L5', () => 'two of three voters take no put')
  stage.crash('C')
  stage.putBack('C', copy)
  stage.crash('A')
  stage.mend('B')
  stage.comeBack('C')
  stage.pass(LONG_MS)
  check(stage.notes('B').includes('refused'), 'S6', () => 'B says nothing of the older store')
  const shown = [stage.get('B', KEY, SHORT_MS), stage.get('C', KEY, SHORT_MS)]
  check(shown.join() === 'unavailable,unavailable', 'S6', () => `x was created, and gets of k end ${shown.join(' and ')}`)
  const rival = [stage.put('B', KEY, text('y'), SHORT_MS), stage.put('C', KEY, text('z'), SHORT_MS)]
  check(!rival.includes('created'), 'S3', () => `x was created, and rivals of it end ${rival.join(' and ')}`)
  stage.comeBack('A')
  stage.pass(LONG_MS)
  const healed = stage.getEverywhere(KEY)
  check(healed.join() === 'x', 'S5', () => `x was created, and gets of k end ${healed.join(' and ')}`)
  return stage.lines
}

/**
 * What B said of a change that was withdrawn comes in the middle of the next one, for which B has
 * copied nothing yet.
 */
function lateWordOfCoverage(): string[] {
  const stage = new KeyStage({ c: ['A', 'B'] }, { c: ['A'] })
  stage.start()
  stage.fate = (from, _, message) => (from === 'B' && message.kind === 'covered' ? 'waits' : 'arrives')
  stage.beginChange({ c: ['A', 'B'] }, [])
  stage.pass(SHORT_MS)
  stage.isolate('B')
  stage.pass(WITHDRAWN_MS)
  check(stage.newestEpoch() === 2, 'L4', () => `a change whose new voter is away is in epoch ${stage.newestEpoch()}`)
  check(stage.put('A', KEY, text('x')) === 'created', 'L5', () => 'the only voter takes no put')
  stage.mend('B')
  stage.fate = () => 'arrives'
  stage.pass(LONG_MS)
  stage.fate = (_, __, message) => (message.kind === 'doubts' || message.kind === 'covered' ? 'is lost' : 'arrives')
  stage.beginChange({ c: ['A', 'B'] }, [])
  stage.letGo()
  check(stage.newestEpoch() === 3, 'S12', () => 'the second change is decided by what was said of the first')
  stage.fate = () => 'arrives'
  stage.pass(LONG_MS)
  check(stage.newestEpoch() === 4, 'L4', () => `the second change ends in epoch ${stage.newestEpoch()}`)
  return stage.lines
}

/**
 * Two pulls of D wait for answers that are lost, and all sleep: overdue as they are, the questions
 * are asked again, and D is filled.
 */
function overdueQuestions(): string[] {
  const lines: string[] = []
  for (const sleepMs of SLEEPS_MS) {
    const stage = new KeyStage({ c: ['A', 'B', 'C', 'D'] }, { c: ['A', 'B', 'C'] })
    for (const holder of ['A', 'B', 'C']) stage.chosen(holder, KEY, text('x'))
    stage.fate = (_, to, message) => (to === 'D' && message.kind === 'hashes' ? 'is lost' : 'arrives')
    stage.start()
    stage.pass(TWO_PULLS_MS)
    stage.sleep(sleepMs)
    stage.fate = () => 'arrives'
    stage.pass(LONG_MS)
    lines.push(...stage.lines)
    const held = stage.heldChosen('D', KEY)
    check(held === 'x', 'L3', () => `${LONG_MS} ms after all slept for ${sleepMs} ms, D holds ${held ?? 'nothing'} of k`)
  }
  return lines
}
