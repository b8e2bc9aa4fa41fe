/**
 * One voter's part in registers: what it promised, accepted and holds (CASPaxos: Rystsov, arXiv
 * 1802.07000). A promise outlives the learning of a record, because the next version is decided
 * under it; memory loses it only into the floor. It answers only for itself, and only while its
 * config gives it a vote.
 */
import { Promises } from '../agreement/promises.ts'
import type { Rounds } from '../agreement/rounds.ts'
import { assert } from '../base/assert.ts'
import { compareBallots, formatBallot } from '../base/ballot.ts'
import type { Ballot, Ceiling } from '../base/ballot.ts'
import type { RegisterKey } from '../base/register.ts'
import { CELL_EMPTY } from './cells.ts'
import type { Cell, Cells } from './cells.ts'
import type { Answer, Question, Shown } from './questions.ts'
import { compareEntries, equalRegisterRecords, isStub } from './record.ts'
import type { Entry, RegisterRecord } from './record.ts'

/** What became of something that was told as chosen. */
export type Learned =
  | 'learned'
  /** Nothing new. */
  | 'known'
  /** Its record is not here: ask for it. */
  | 'wanted'
  /** It was forgotten here: it must not come back. */
  | 'gone'
  /** Two records for one place: an alarm, and never a choice. */
  | 'diverged'

export class Voter {
  private readonly cells: Cells
  private readonly rounds: Rounds
  private readonly promises: Promises

  constructor(cells: Cells, rounds: Rounds, floor: Ceiling) {
    this.cells = cells
    this.rounds = rounds
    this.promises = new Promises(floor)
  }

  get promiseCount(): number {
    return this.promises.count
  }

  /**
   * Answers a question whose epoch, target and vote were checked; undefined for an old duplicate.
   * The answer waits for the syncs of its slot.
   */
  answer(question: Question, nowMs: number): Answer | undefined {
    const cell = this.cells.read(question.key)
    switch (question.kind) {
      case 'reserve':
        return this.reserve(question.key, question.ballot, cell, nowMs)
      case 'commit':
        return this.commit(question.key, question.ballot, question.record, cell)
      case 'read':
        return { kind: 'seen', epoch: question.epoch, shown: this.shown(cell) }
    }
  }

  /** True where a commit at this ballot would be refused here already. */
  refuses(key: RegisterKey, ballot: Ballot): boolean {
    return this.promises.above(key, ballot, highestBallot(this.cells.read(key))) !== undefined
  }

  /**
   * Something is told to be chosen. @param record undefined where the receiver is thought to have
   * accepted it
   */
  learn(key: RegisterKey, ballot: Ballot, version: number, record: RegisterRecord | undefined): Learned {
    const cell = this.cells.read(key)
    const { held, accepted } = cell
    if (cell.diverged !== undefined) return 'known'
    if (held === undefined && this.cells.isSwept(ballot)) return 'gone'
    const found = record ?? recordAt(accepted, ballot, version)
    if (found === undefined) return isCoveredBy(held, ballot, version) ? 'known' : 'wanted'
    const told = { ballot, record: found }
    if (held !== undefined && contradict(held, told)) {
      this.cells.write(key, { ...cell, diverged: told }, 'usual')
      return 'diverged'
    }
    if (held !== undefined && compareEntries(told, held) <= 0) return 'known'
    this.hold(key, told, accepted)
    return 'learned'
  }

  /**
   * The register is gone at another peer that has forgotten more: its number stays here, its
   * content goes.
   */
  forget(key: RegisterKey, gone: Entry): void {
    this.hold(key, gone, this.cells.read(key).accepted)
  }

  /** This peer lost its vote: what it accepted counts for nothing any more. */
  dropAccepted(key: RegisterKey): void {
    const cell = this.cells.read(key)
    if (cell.accepted !== undefined) this.cells.write(key, { ...cell, accepted: undefined }, 'usual')
  }

  /** Ballots up to here are refused from now on, for every register. */
  raiseFloor(floor: Ceiling): void {
    this.promises.raise(floor)
  }

  fold(nowMs: number): void {
    this.promises.fold(nowMs)
  }

  private reserve(key: RegisterKey, ballot: Ballot, cell: Cell, nowMs: number): Answer {
    const higher = this.promises.above(key, ballot, highestBallot(cell))
    if (higher !== undefined) return { kind: 'rejected', ballot, higher }
    this.rounds.raiseAbove(ballot)
    this.promises.give(key, ballot, nowMs)
    return { kind: 'promised', ballot, shown: this.shown(cell) }
  }

  private commit(key: RegisterKey, ballot: Ballot, record: RegisterRecord, cell: Cell): Answer | undefined {
    const { held, accepted } = cell
    const higher = this.promises.above(key, ballot, highestBallot(cell))
    if (higher !== undefined) return { kind: 'rejected', ballot, higher }
    if (held !== undefined && isAsNew(held, record)) return { kind: 'moved', ballot, held }
    const { swept } = this.cells
    if (held === undefined && swept !== undefined && this.cells.isSwept(ballot)) return { kind: 'rejected', ballot, higher: swept.ballot }
    if (accepted !== undefined && compareBallots(accepted.ballot, ballot) === 0) {
      if (accepted.record.version > record.version) return undefined
      if (accepted.record.version === record.version) {
        assert(
          equalRegisterRecords(accepted.record, record),
          `two records at ${formatBallot(ballot)} for version ${record.version} of ${key}`,
        )
        return { kind: 'committed', ballot, version: record.version }
      }
    }
    // What is accepted is durable and counts as a promise, so the promise itself may go.
    this.promises.forget(key)
    // What is chosen already is in no doubt at a higher ballot, and nobody has to finish it.
    const isHeld = held !== undefined && equalRegisterRecords(held.record, record)
    if (isHeld && compareBallots(held.ballot, ballot) === 0) return { kind: 'committed', ballot, version: record.version }
    const entry = { ballot, record }
    this.cells.write(key, isHeld ? { ...CELL_EMPTY, held: entry } : { ...cell, accepted: entry }, 'usual')
    return { kind: 'committed', ballot, version: record.version }
  }

  /** Holds an entry. What is accepted is let go unless it is above. */
  private hold(key: RegisterKey, entry: Entry, accepted: Entry | undefined): void {
    const isSame = accepted !== undefined && equalRegisterRecords(accepted.record, entry.record)
    const held = isSame && compareBallots(accepted.ballot, entry.ballot) > 0 ? accepted : entry
    const isAbove = accepted !== undefined && compareEntries(accepted, held) > 0
    this.cells.write(key, { ...CELL_EMPTY, held, accepted: isAbove ? accepted : undefined }, 'lazy')
  }

  private shown({ held, accepted }: Cell): Shown {
    const { swept } = this.cells
    return { held, accepted, sweptTo: held === undefined ? swept?.ballot : undefined, number: swept?.number ?? 0 }
  }
}

/** What is accepted is above what is held, so it alone counts where there is any. */
function highestBallot({ held, accepted }: Cell): Ballot | undefined {
  return accepted?.ballot ?? held?.ballot
}

/**
 * What is held makes the commit needless. The very record is taken once more: only that overtakes
 * what is accepted above it, here or elsewhere, and was never chosen. That this voter holds it says
 * nothing of the others, so it is this voter's vote and no more.
 */
function isAsNew(held: Entry, record: RegisterRecord): boolean {
  if (isStub(held.record) || held.record.version < record.version) return false
  return !equalRegisterRecords(held.record, record)
}

function recordAt(accepted: Entry | undefined, ballot: Ballot, version: number): RegisterRecord | undefined {
  const isThat = accepted !== undefined && accepted.record.version === version && compareBallots(accepted.ballot, ballot) === 0
  return isThat ? accepted.record : undefined
}

function isCoveredBy(held: Entry | undefined, ballot: Ballot, version: number): boolean {
  return held !== undefined && (compareBallots(ballot, held.ballot) || version - held.record.version) <= 0
}

/** Both cannot be chosen. Versions of stubs do not order, so a stub contradicts nothing. */
function contradict(a: Entry, b: Entry): boolean {
  if (isStub(a.record) || isStub(b.record)) return false
  const versions = a.record.version - b.record.version
  if (versions === 0) return !equalRegisterRecords(a.record, b.record)
  const ballots = compareBallots(a.ballot, b.ballot)
  return ballots !== 0 && ballots > 0 !== versions > 0
}
