/**
 * Scenarios of far links in the work on one versioned register: a run that is refused, meets a
 * rival or loses its client.
 */
import { Doubts } from '../../protocols/agreement/doubts.ts'
import type { IdentityId } from '../../protocols/base/identity.ts'
import type { Cells } from '../../protocols/registers/cells.ts'
import { settleClaim } from '../../protocols/registers/claims.ts'
import type { Coordinator } from '../../protocols/registers/coordinator.ts'
import { Expiry } from '../../protocols/registers/expiry.ts'
import { Finisher } from '../../protocols/registers/finisher.ts'
import { Marks } from '../../protocols/registers/marks.ts'
import type { Cast, Question, Shown } from '../../protocols/registers/questions.ts'
import { RecentWrites } from '../../protocols/registers/recent.ts'
import { Reads } from '../../protocols/registers/reads.ts'
import type { Entry, Mark } from '../../protocols/registers/record.ts'
import { Forwards } from '../../protocols/registers/forwards.ts'
import { Remembered } from '../../protocols/registers/remembered.ts'
import { Run } from '../../protocols/registers/run.ts'
import { sha256, utf8 } from '../../src/bytes.ts'
import { check } from './checkers/violation.ts'
import { Asking, FAR_MS, KEY, RunBench, Waiting, chainOf, voter } from './far-bench.ts'
import type { Scenario } from './stage.ts'

const DEADLINE_MS = 1_000_000
/** A client's patience, which is over before anything is answered. */
const CLIENT_MS = 100
/** What a try to finish must have time for: a rival in its turn, to reserve and to commit. */
const TRY_ROUND_TRIPS = 8

/** What a voter shows of a register that it knows nothing of. */
const NOTHING: Shown = { held: undefined, accepted: undefined, sweptTo: undefined, number: 0 }
const TTL_MS = 1_000
const ENTRY: Entry = {
  ballot: { epoch: 0, round: 1, by: voter('B') },
  record: {
    version: 1,
    value: new Uint8Array(0),
    contentType: 'text/plain',
    isDeleted: false,
    ttlMs: TTL_MS,
    writeId: 'w',
    mark: '0'.repeat(24) as Mark,
    writtenAtMs: 0,
    wasAbsent: true,
    recent: RecentWrites.NONE,
    since: 0,
  },
}

export const FAR_REGISTERS: readonly Scenario[] = [
  { name: 'far-registers-refused', play: farRefused },
  { name: 'far-registers-paused', play: farPaused },
  { name: 'far-registers-rivals', play: farRivals },
  { name: 'far-registers-commits', play: farCommits },
  { name: 'far-registers-tries', play: farTries },
  { name: 'far-registers-expired', play: farExpired },
  { name: 'far-registers-gets', play: farGets },
]

/** A run that asks B, C and D, and what they answer. Nothing is held of the register. */
class Running extends RunBench<Question, Cast> {
  readonly run: Run

  /** @param random as late in a random wait as this, from 0 to 1 */
  constructor(random: number) {
    super()
    const { moment, polls, latencies, roundTrips, quorum, rounds } = this
    this.run = new Run(KEY, {
      moment,
      rounds,
      chain: chainOf(quorum),
      polls,
      latencies,
      roundTrips,
      rivals: this.doubts,
      random: () => random,
      remembered: new Remembered(),
      current: () => 0,
      forwards: new Forwards({ self: 'x' as IdentityId, moment, nextId: () => 1, isConnectedAs: () => false, send: () => undefined }),
      freshWriteId: () => 'w',
      isOvertaken: () => false,
      chose: () => undefined,
    })
  }

  /** Somebody wants to know what is chosen, and has something committed where that is not sure. */
  begin(deadlineMs: number): void {
    this.doubts.accepted(KEY)
    this.run.join(
      settleClaim(
        () => true,
        deadlineMs,
        () => undefined,
      ),
    )
  }

  refuse(names: string): void {
    this.answer(names, this.refusal)
  }

  promise(names: string): void {
    this.answer(names, { kind: 'promised', ballot: this.ballot, shown: NOTHING })
  }
}

/** One voter refused; the others have twice the usual time to answer before the try is given up. */
function farRefused(): string[] {
  const bench = new Running(0)
  bench.begin(DEADLINE_MS)
  // No rival is known of a register that is not in doubt here.
  bench.doubts.settled(KEY)
  bench.refuse('B')
  bench.see('a try that one voter refused is made again', bench.next(60_000).afterMs, 2 * FAR_MS)
  return bench.lines
}

/** The wait after lost tries doubles with each, past the most that it has on near links. */
function farPaused(): string[] {
  const bench = new Running(1)
  bench.begin(DEADLINE_MS)
  bench.doubts.settled(KEY)
  for (const tries of [1, 2]) {
    bench.refuse('BC')
    bench.see(`the longest pause after lost try ${tries} is over`, bench.next(120_000).afterMs, 2 ** tries * FAR_MS)
  }
  return bench.lines
}

/** Whoever only settles leaves a register to the rival that refused its try. */
function farRivals(): string[] {
  const bench = new Running(0)
  bench.begin(DEADLINE_MS)
  bench.refuse('BC')
  const { kind, afterMs } = bench.next(60_000)
  bench.see(`what a rival works on has its next ${kind}`, afterMs, 2 * FAR_MS)
  return bench.lines
}

/**
 * A commit whose client is gone is carried on until it can have been answered, and asked once more.
 */
function farCommits(): string[] {
  const bench = new Running(0)
  bench.begin(CLIENT_MS)
  bench.promise('BC')
  check(bench.next(CLIENT_MS).kind === 'commit', 'L5', () => 'a quorum promised, and no commit is sent')
  const overAtMs = bench.until(60_000, () => {
    bench.run.tick()
    return bench.run.isOver
  })
  bench.see('a commit without clients is left', overAtMs - CLIENT_MS, 2 * FAR_MS)
  return bench.lines
}

/** One try to finish lasts until a rival has had its time as well. */
function farTries(): string[] {
  const bench = new Waiting()
  const { moment } = bench
  let triedMs = 0
  const coordinator: Pick<Coordinator, 'claim'> = { claim: (_, { deadlineMs }) => void (triedMs = deadlineMs - moment.nowMs) }
  const roundTrips = { toDecideMs: () => FAR_MS, turnOf: () => 0 }
  const doubts = new Doubts(moment, () => 0, roundTrips)
  new Finisher({ moment, doubts, roundTrips, coordinator: coordinator as Coordinator, cells: {} as Cells }).finish(KEY, () => undefined)
  bench.see('a try to finish is given up', triedMs, TRY_ROUND_TRIPS * FAR_MS)
  return bench.lines
}

/**
 * What has lived its time is deleted by one peer after another, each try as long as a rival may
 * need.
 */
function farExpired(): string[] {
  const bench = new Waiting()
  const { self, moment } = bench
  let triedMs = 0
  const coordinator: Pick<Coordinator, 'claim'> = { claim: (_, { deadlineMs }) => void (triedMs = deadlineMs - moment.nowMs) }
  const expiry = new Expiry({
    self: self.id,
    moment,
    roundTrips: { toDecideMs: () => FAR_MS, turnOf: () => 0 },
    coordinator: coordinator as Coordinator,
    marks: new Marks(sha256, utf8),
    held: () => ENTRY,
  })
  expiry.onHeld(KEY, ENTRY)
  const atMs = bench.until(60_000, () => {
    expiry.upkeep()
    return triedMs > 0
  })
  bench.see('after the peer whose turn is first, the next one deletes', atMs - TTL_MS, 2 * FAR_MS)
  bench.see('its try is given up', triedMs, TRY_ROUND_TRIPS * FAR_MS)
  return bench.lines
}

/**
 * A get that met doubt gives the write under way the time of a round trip before it looks again.
 */
function farGets(): string[] {
  const bench = new Asking<Question, Cast>()
  const { moment, polls, roundTrips, quorum } = bench
  const reads = new Reads({
    moment,
    chain: chainOf(quorum),
    polls,
    roundTrips,
    coordinator: {} as Coordinator,
    held: () => undefined,
    isDiverged: () => false,
    chose: () => undefined,
    answer: () => undefined,
  })
  reads.begin(1, { kind: 'read', key: 'k', consistency: 'linearizable', newer: undefined }, DEADLINE_MS)
  const id = bench.asked()?.id ?? 0
  polls.vote(id, { sender: voter('B'), body: { kind: 'seen', epoch: 0, shown: { ...NOTHING, accepted: ENTRY } } })
  polls.vote(id, { sender: voter('C'), body: { kind: 'seen', epoch: 0, shown: NOTHING } })
  const atMs = bench.until(20_000, () => {
    reads.tick()
    return bench.asked() !== undefined
  })
  bench.see('a get that met doubt reads again', atMs, FAR_MS)
  return bench.lines
}
