/**
 * Scenarios of far links in the work on one register: a run that is refused, meets a rival or loses
 * its client, and a get that meets doubt.
 */
import { Agreement } from '../../protocols/agreement/agreement.ts'
import { finishingClaim, writingClaim } from '../../protocols/agreement/coordinator.ts'
import type { Coordinator } from '../../protocols/agreement/coordinator.ts'
import { Run } from '../../protocols/agreement/run.ts'
import type { Claim, RunContext } from '../../protocols/agreement/run.ts'
import { ONCE } from '../../protocols/agreement/settlement.ts'
import type { Space } from '../../protocols/agreement/space.ts'
import { CEILING_NONE } from '../../protocols/base/ballot.ts'
import type { ChosenKeys } from '../../protocols/keys/chosen.ts'
import { Reads } from '../../protocols/keys/reads.ts'
import { check } from './checkers/violation.ts'
import { SimulatedDisk } from './disk.ts'
import { Asking, FAR_MS, KEY, RunBench, Watching, chainOf, quorumOf, voter } from './far-bench.ts'
import type { Scenario } from './stage.ts'
import { text } from './types/keys/stage.ts'

const DEADLINE_MS = 1_000_000
/** A client's patience, which is over before anything is answered. */
const CLIENT_MS = 100
const nothing = (): void => undefined

export const FAR_RUNS: readonly Scenario[] = [
  { name: 'far-refusals', play: farRefusals },
  { name: 'far-pauses', play: farPauses },
  { name: 'far-rivals-of-a-run', play: farRivalsOfRun },
  { name: 'far-rivals-of-a-voter', play: farRivalsOfVoter },
  { name: 'far-commits', play: farCommits },
  { name: 'far-gets', play: farGets },
]

/** A run that asks B, C and D, and what they answer. */
class Running extends RunBench {
  readonly run: Run

  /** @param random as late in a random wait as this, from 0 to 1 */
  constructor(random: number) {
    super()
    const { moment, polls, latencies, roundTrips, quorum, rounds } = this
    const space: Pick<Space, 'settlement' | 'quorum' | 'isOffered'> = { settlement: ONCE, quorum: () => quorum, isOffered: () => false }
    const context: Omit<RunContext, 'spaceOf'> = {
      moment,
      rounds,
      chain: chainOf(quorum),
      polls,
      latencies,
      roundTrips,
      rivals: this.doubts,
      random: () => random,
      offering: {
        plan: () => undefined,
        isHomeHeard: () => false,
        isWorthwhile: () => false,
        isTakenAtHome: () => false,
        onLastNeeded: () => undefined,
        onMade: () => undefined,
        onUnanswered: () => undefined,
      },
      isUntouched: () => false,
      chose: () => undefined,
    }
    this.run = new Run(KEY, { ...context, spaceOf: () => space as Space })
  }

  begin(claim: Claim, readFirst: boolean): void {
    this.run.join(claim)
    this.run.begin(readFirst)
  }

  refuse(names: string): void {
    this.answer(names, this.refusal)
  }

  promise(names: string): void {
    this.answer(names, { kind: 'promised', ballot: this.ballot, accepted: undefined })
  }

  /** Two voters answer the read that was asked last, each with another record. */
  doubt(): void {
    doubtfulVotes(this, this.askedId)
  }
}

function doubtfulVotes(bench: Asking, id: number): void {
  for (const [index, name] of ['B', 'C'].entries()) {
    const accepted = { ballot: { epoch: 0, round: index + 1, by: voter(name) }, record: text('x') }
    bench.polls.vote(id, { sender: voter(name), body: { kind: 'seen', epoch: 0, accepted } })
  }
}

/** One voter refused; the others have twice the usual time to answer before the try is given up. */
function farRefusals(): string[] {
  const bench = new Running(0)
  bench.begin(writingClaim(text('x'), DEADLINE_MS, nothing), false)
  bench.refuse('B')
  const { kind, afterMs } = bench.next(60_000)
  check(kind === 'read', 'L5', () => `a try that one voter refused is followed by ${kind}`)
  bench.see('a try that one voter refused is given up', afterMs, 2 * FAR_MS)
  return bench.lines
}

/** The wait after lost tries doubles with each, past the most that it has on near links. */
function farPauses(): string[] {
  const bench = new Running(1)
  bench.begin(writingClaim(text('x'), DEADLINE_MS, nothing), false)
  for (const tries of [1, 2]) {
    bench.refuse('BC')
    bench.see(`the longest pause after lost try ${tries} is over`, bench.next(120_000).afterMs, 2 ** tries * FAR_MS)
    bench.doubt()
  }
  return bench.lines
}

/**
 * Whoever only finishes leaves a key to the rival that refused its try, and reads of it once that
 * had its time.
 */
function farRivalsOfRun(): string[] {
  const bench = new Running(0)
  bench.doubts.accepted(KEY)
  bench.begin(finishingClaim(DEADLINE_MS, nothing), false)
  bench.refuse('BC')
  bench.lines.push(`a rival refuses; after ${bench.next(60_000).afterMs} ms the key is read, and still in doubt`)
  bench.doubt()
  const { kind, afterMs } = bench.next(60_000)
  bench.see(`what the rival works on has its next ${kind}`, afterMs, 2 * FAR_MS)
  check(kind === 'read', 'L5', () => `what a rival works on is followed by ${kind}`)
  bench.doubt()
  bench.lines.push(`it is in doubt still: ${bench.asked()?.kind}`)
  return bench.lines
}

/**
 * A voter that holds a key in doubt, and is asked about it by a rival, leaves it to that one for
 * its time.
 */
function farRivalsOfVoter(): string[] {
  const bench = new Watching()
  const { self, moment, outbox, nextId, roster } = bench
  for (const name of ['B', 'C']) bench.meet(name, FAR_MS)
  const chain = chainOf(quorumOf(['A', 'B', 'C']))
  const space: Pick<Space, 'settlement' | 'quorum' | 'isOpen' | 'isUnserved'> = {
    settlement: ONCE,
    quorum: ({ quorum }) => quorum,
    isOpen: () => true,
    isUnserved: () => false,
  }
  const agreement = new Agreement({
    self,
    moment,
    outbox,
    registers: new SimulatedDisk(() => undefined),
    nextId,
    random: () => 0,
    chain,
    roster,
    ceiling: CEILING_NONE,
    floor: CEILING_NONE,
    inDoubt: [KEY],
    spaceOf: () => space as Space,
    isTooOld: () => false,
    configsSince: () => [],
    onLaterEpoch: () => undefined,
    onHeldByQuorum: () => undefined,
    areOffersMade: false,
  })
  moment.nowMs = 50_000
  const by = voter('B')
  agreement.handles.request(by, {
    kind: 'request',
    id: 1,
    target: self,
    body: { kind: 'reserve', key: KEY, ballot: { epoch: 0, round: 9, by } },
  })
  const atMs = bench.until(90_000, () => agreement.doubts.due().length > 0)
  bench.see('a voter finishes what a rival has reserved', atMs - 50_000, 2 * FAR_MS)
  return bench.lines
}

/**
 * A commit whose client is gone is carried on until it can have been answered, and asked once more.
 */
function farCommits(): string[] {
  const bench = new Running(0)
  const claim = writingClaim(text('x'), CLIENT_MS, nothing)
  bench.begin(claim, false)
  bench.promise('BC')
  check(claim.commitSent, 'L5', () => 'a quorum promised, and no commit is sent')
  const overAtMs = bench.until(60_000, () => {
    bench.run.tick()
    return bench.run.isOver
  })
  bench.see('a commit without clients is left', overAtMs - CLIENT_MS, 2 * FAR_MS)
  return bench.lines
}

/** A get that met doubt gives the put under way the time of a round trip before it looks again. */
function farGets(): string[] {
  const bench = new Asking()
  const { moment, outbox, polls, roundTrips } = bench
  const chosen: Pick<ChosenKeys, 'get' | 'isDiverged'> = { get: () => undefined, isDiverged: () => false }
  const reads = new Reads({
    moment,
    outbox,
    chain: chainOf(bench.quorum),
    polls,
    roundTrips,
    chosen: chosen as ChosenKeys,
    coordinator: {} as Coordinator,
    chose: () => undefined,
  })
  reads.begin({ kind: 'get', client: 1, key: KEY, consistency: 'linearizable', waitUntilMs: undefined, deadlineMs: DEADLINE_MS })
  doubtfulVotes(bench, bench.asked()?.id ?? 0)
  const atMs = bench.until(20_000, () => {
    reads.tick()
    return bench.asked() !== undefined
  })
  bench.see('a get that met doubt reads again', atMs, FAR_MS)
  return bench.lines
}
