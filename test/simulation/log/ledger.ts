/**
 * What all replicas of a run have shown, held against the rules of a log: G1 to G17 of its
 * specification. Everything throws a Violation.
 */
import type { IdentityId } from '../../../protocols/base/identity.ts'
import { isMajority } from '../../../protocols/log/commit.ts'
import { isAtLeast } from '../../../protocols/log/entry.ts'
import type { Entry, EntryBody, Position, SubmitId } from '../../../protocols/log/entry.ts'
import { CLOCK_AHEAD_MAX_MS } from '../../../protocols/log/limits.ts'
import type { LogWrite } from '../../../protocols/log/events.ts'
import { has, isJoint, left } from '../../../protocols/log/membership.ts'
import type { Membership } from '../../../protocols/log/membership.ts'
import type { LogMessage } from '../../../protocols/log/message.ts'
import type { ReplicaState, StoredLog } from '../../../protocols/log/state.ts'
import type { Chance } from '../chance.ts'
import { check } from '../checkers/violation.ts'
import type { Record } from './store.ts'

/**
 * Of so many voters, most clocks are right where one is wrong. What a single one set before stays.
 */
const VOTERS_OF_ONE_WRONG_CLOCK = 3

interface Known {
  readonly text: string
  readonly termBefore: number
}

export class LogLedger {
  /** By index, what was committed; the first is at 1. */
  readonly committed: Entry[] = []
  /** By index, the term whose leader committed it: an entry of an earlier term is committed by a later one. */
  private readonly committedIn: number[] = []
  /** By index, what stores made of it. */
  private readonly outcomes = new Map<number, string>()
  private readonly leaders = new Map<number, IdentityId>()
  private readonly entries = new Map<string, Known>()
  private readonly votes = new Map<string, IdentityId>()
  private readonly saidTerms = new Map<IdentityId, number>()
  private readonly neverOrdered = new Set<SubmitId>()
  private readonly revoked = new Set<number>()
  private readonly firstMembers: Membership

  constructor(firstMembers: Membership) {
    this.firstMembers = firstMembers
  }

  /** The members in force by what was committed. */
  get members(): Membership {
    return this.membersAt(this.committed.length)
  }

  private membersAt(at: number): Membership {
    const named = this.committed.findLast(({ index, body }) => index <= at && body.kind === 'members')?.body
    return named?.kind === 'members' ? named.members : this.firstMembers
  }

  /** The last index that anybody knows to be committed. */
  get lastIndex(): number {
    return this.committed.length
  }

  /** True when an operator settled an entry: some store may have applied it before. */
  get isAnyRevoked(): boolean {
    return this.revoked.size > 0
  }

  /** The commands that an operator settled: what was answered of them may have been revoked. */
  revokedIds(): Set<SubmitId> {
    const bodies = [...this.revoked].map((index) => this.committed[index - 1]?.body)
    return new Set(bodies.flatMap((body) => (body?.kind === 'command' ? [body.submitId] : [])))
  }

  /** Of what is committed, so much was carried over from an earlier generation. */
  private carried = 0

  /** The log goes on from what a store holds: that counts as committed. */
  goOn(journal: readonly Record[]): void {
    for (const { position, atMs, members, submitId, command } of journal) {
      const body: EntryBody =
        submitId !== undefined
          ? { kind: 'command', submitId, since: 0, command: new TextEncoder().encode(command) }
          : members === undefined
            ? { kind: 'began' }
            : { kind: 'members', members }
      this.committed.push({ ...position, atMs, body })
      this.committedIn.push(position.term)
    }
    this.carried = journal.length
  }

  /**
   * A later leader is one of a later term. Votes may come so late that a term begins to be led when
   * another one has committed already: such a leader commits and reads nothing, because most voters
   * are in that other term.
   */
  leads(state: ReplicaState): void {
    const before = this.leaders.get(state.term)
    check(before === undefined || before === state.self.id, 'G1', () => `${before} and ${state.self.id} lead term ${state.term}`)
    this.leaders.set(state.term, state.self.id)
    const last = this.committed[this.committedIn.findLastIndex((term) => term < state.term)]
    const holds = last === undefined || last.index <= state.tail.base.index || state.tail.holds(last)
    check(
      holds,
      'G3',
      () => `${state.self.id} leads term ${state.term} without ${showPosition(last)}, it ends at ${showPosition(state.tail.last)}`,
    )
  }

  persisting(state: ReplicaState, write: LogWrite, membersIndexBefore: number, membersBefore: Membership): void {
    if (write.kind === 'compacted' || write.kind === 'reset') {
      const expected = JSON.stringify(this.membersAt(write.base.index))
      check(
        JSON.stringify(write.members) === expected,
        'G12',
        () => `${state.self.id} begins at ${showPosition(write.base)} with other members than ${expected}`,
      )
    }
    if (write.kind !== 'entries') return
    for (const entry of write.entries) {
      const termBefore = state.tail.termAt(entry.index - 1) ?? -1
      const text = textOf(entry)
      const known = this.entries.get(showPosition(entry))
      if (known === undefined) this.entries.set(showPosition(entry), { text, termBefore })
      else
        check(
          known.text === text && (termBefore === -1 || known.termBefore === termBefore),
          'G2',
          () => `two entries ${showPosition(entry)}: ${known.text} and ${text}`,
        )
      if (state.role === 'leader' && entry.body.kind === 'members') {
        check(
          membersIndexBefore <= state.commit,
          'G11',
          () => `members at ${entry.index} upon those at ${membersIndexBefore}, which are not committed`,
        )
        checkStep(membersBefore, entry.body.members)
      }
    }
  }

  /** A replica takes these as committed. The first that does leads, and ends with an entry of its own term. */
  commits(who: IdentityId, entries: readonly Entry[], nowMs: number): void {
    const inTerm = entries.at(-1)?.term ?? 0
    for (const entry of entries) {
      const known = this.committed[entry.index - 1]
      if (known !== undefined)
        check(known.term === entry.term, 'G4', () => `${who} commits ${showPosition(entry)}, and ${showPosition(known)} was committed`)
      else {
        check(entry.index === this.committed.length + 1, 'G4', () => `${who} commits ${showPosition(entry)} after ${this.committed.length}`)
        const before = this.committed.at(-1)?.atMs ?? 0
        check(entry.atMs >= before, 'clock', () => `the log's clock goes back from ${before} to ${entry.atMs}`)
        const isRight = entry.atMs <= Math.max(before, nowMs + CLOCK_AHEAD_MAX_MS) || this.members.voters.length < VOTERS_OF_ONE_WRONG_CLOCK
        check(isRight, 'clock', () => `${showPosition(entry)} says ${entry.atMs}, and it is ${nowMs}`)
        this.committed.push(entry)
        this.committedIn.push(inTerm)
        const id = entry.body.kind === 'command' ? entry.body.submitId : undefined
        check(
          id === undefined || !this.neverOrdered.has(id),
          'G15',
          () => `${id} was answered as not ordered, and is ${showPosition(entry)}`,
        )
        if (entry.body.kind === 'verdict') this.revoked.add(entry.body.index)
      }
    }
  }

  /** The message leaves its sender. */
  left(message: LogMessage): void {
    const { from, term } = message
    if (message.kind === 'voted' && message.isGranted && !message.isTest) {
      const key = `${from.id} ${term}`
      const before = this.votes.get(key)
      check(
        before === undefined || before === message.to.id,
        'G6',
        () => `${from.id} votes for ${before} and ${message.to.id} in term ${term}`,
      )
      this.votes.set(key, message.to.id)
    }
    const isAsked = (message.kind === 'vote' || message.kind === 'voted') && message.isTest
    if (!isAsked) this.saidTerms.set(from.id, Math.max(term, this.saidTerms.get(from.id) ?? 0))
  }

  restarts(who: IdentityId, { term }: StoredLog): void {
    const said = this.saidTerms.get(who) ?? 0
    check(term >= said, 'G6', () => `${who} restarts in term ${term}, and spoke in ${said}`)
  }

  /** A store holds a record. It was committed, and is what all others made of it. */
  applied(who: IdentityId, { position, outcome, effect }: Record): void {
    const entry = this.committed[position.index - 1]
    check(entry?.term === position.term, 'G8', () => `${who} applied ${showPosition(position)}, and ${showPosition(entry)} was committed`)
    if (this.revoked.has(position.index)) return
    const text = JSON.stringify([outcome, effect ?? null])
    const before = this.outcomes.get(position.index)
    check(before === undefined || before === text, 'G14', () => `${who} made ${text} of ${position.index}, and others ${before}`)
    this.outcomes.set(position.index, text)
  }

  /** A store that was opened, or filled, is the fold of the log up to its position. */
  opened(who: IdentityId, journal: readonly Record[]): void {
    const effects = new Set<string>()
    for (const [place, record] of journal.entries()) {
      check(record.position.index === place + 1, 'G7', () => `${who} has ${record.position.index} in place of ${place + 1}`)
      this.applied(who, record)
      if (record.effect === undefined || record.submitId === undefined) continue
      // A name that is forgotten may be used anew, for another command.
      const named = `${record.submitId} ${record.command}`
      check(!effects.has(named), 'G7', () => `${who} has two effects of ${record.submitId}`)
      effects.add(named)
    }
  }

  compacts(who: IdentityId, write: LogWrite, durableIndex: number): void {
    if (write.kind !== 'compacted') return
    check(
      write.base.index <= durableIndex,
      'G13',
      () => `${who} drops up to ${write.base.index}, and its store has ${durableIndex} for good`,
    )
  }

  answersNotOrdered(submitId: SubmitId): void {
    this.neverOrdered.add(submitId)
    const found = this.committed.find(({ body }) => body.kind === 'command' && body.submitId === submitId)
    check(found === undefined, 'G15', () => `${submitId} is answered as not ordered, and is ${showPosition(found)}`)
  }

  answersDone(submitId: SubmitId, position: Position): void {
    const entry = this.committed[position.index - 1]
    const isIt = entry?.term === position.term && entry.body.kind === 'command' && entry.body.submitId === submitId
    check(
      isIt && (this.outcomes.has(position.index) || this.revoked.has(position.index)),
      'G15',
      () => `${submitId} is answered at ${showPosition(position)}, where ${showPosition(entry)} is`,
    )
  }

  /**
   * Any majority of the members in force could elect a leader that has all that was committed, from
   * disks alone.
   */
  probe(chance: Chance, stored: (voter: IdentityId) => StoredLog | undefined): void {
    // What was carried over lies in the store of the survivor, whatever its log has on disk.
    if (this.committed.length === this.carried) return
    const { members } = this
    const everyone = [...members.voters, ...members.outgoing.filter(({ id }) => !has(members.voters, id))]
    const chosen = new Set<IdentityId>(everyone.map(({ id }) => id))
    for (const { id } of chance.shuffled(everyone)) {
      chosen.delete(id)
      if (!isMajority(members, (voter) => chosen.has(voter))) chosen.add(id)
    }
    const logs = [...chosen].map(stored)
    // A voter that lost its disk is no part of a live majority.
    if (logs.includes(undefined)) return
    const ends = logs.map((log) => ({ log, end: log?.entries.at(-1) ?? log?.base ?? { term: 0, index: 0 } }))
    const best = ends.reduce((a, b) => (isAtLeast(a.end, b.end) ? a : b))
    const last = this.committed.at(-1)
    const isShown =
      last === undefined ||
      last.index <= (best.log?.base.index ?? 0) ||
      best.log?.entries.some((entry) => showPosition(entry) === showPosition(last))
    check(
      isShown === true,
      'G5',
      () => `${[...chosen].join(', ')} would elect a leader that ends at ${showPosition(best.end)}, and ${showPosition(last)} is committed`,
    )
  }
}

export function showPosition(position: Position | undefined): string {
  return position === undefined ? 'nothing' : `${position.term}.${position.index}`
}

/** Members change by one joint step and its end, or by learners alone. */
function checkStep(before: Membership, after: Membership): void {
  const show = (): string => `${JSON.stringify(before)} then ${JSON.stringify(after)}`
  if (isJoint(before)) return check(JSON.stringify(left(before)) === JSON.stringify(after), 'G11', show)
  const expected = isJoint(after) ? after.outgoing : after.voters
  check(JSON.stringify(expected) === JSON.stringify(before.voters), 'G11', show)
}

function textOf({ atMs, body }: Entry): string {
  if (body.kind !== 'command') return JSON.stringify([atMs, body])
  return JSON.stringify([atMs, body.submitId, body.since, new TextDecoder().decode(body.command)])
}
