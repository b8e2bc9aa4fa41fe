/**
 * An acceptor: one voter's memory of what it promised and accepted, register by register (Lamport, "Paxos Made Simple",
 * 2001; a write-once register is one instance of it). Promises live in memory; what memory loses, the floor covers.
 * It answers only for itself, and only while its config gives it a vote.
 */
import { acceptedWrite } from '../base/persist.ts'
import { assert } from '../base/assert.ts'
import { compareBallots, formatBallot, higherCeiling, isCovered } from '../base/ballot.ts'
import type { Ballot, Ceiling } from '../base/ballot.ts'
import type { Outbox } from '../outbox.ts'
import { equalRecords } from '../base/record.ts'
import type { Accepted, ValueRecord } from '../base/record.ts'
import type { RegisterKey, RegisterState, Registers } from '../base/register.ts'
import type { AcceptorReply, AcceptorRequest } from '../wire/agreement-messages.ts'
import type { Rounds } from './rounds.ts'
import { INCARNATION_HIGHEST, PEER_ID_HIGHEST } from '../base/limits.ts'
import { identity } from '../base/identity.ts'

/** The longest put: a promise that old can hold back nobody who still runs, so it may be folded into the floor. */
export const PROMISE_KEPT_MS = 60_000

interface PromiseKept {
  readonly ballot: Ballot
  readonly givenAtMs: number
}

export class Acceptor {
  private readonly registers: Registers
  private readonly rounds: Rounds
  private readonly outbox: Outbox
  /** In the order given, oldest first, for a promise that is renewed moves to the end. */
  private readonly promises = new Map<RegisterKey, PromiseKept>()
  private floor: Ceiling

  constructor(registers: Registers, rounds: Rounds, outbox: Outbox, floor: Ceiling) {
    this.registers = registers
    this.rounds = rounds
    this.outbox = outbox
    this.floor = floor
  }

  get promiseCount(): number {
    return this.promises.size
  }

  /** Answers a request whose epoch, target and vote were checked. The reply waits for the syncs of its key. */
  answer(body: AcceptorRequest, nowMs: number): AcceptorReply {
    const state = this.registers.read(body.key)
    if (state?.chosen !== undefined) return { kind: 'chosen', record: state.chosen }
    switch (body.kind) {
      case 'reserve':
        return this.reserve(body.key, body.ballot, state, nowMs)
      case 'commit':
        return this.commit(body.key, body.ballot, body.record, state)
      case 'read':
        return { kind: 'seen', epoch: body.epoch, accepted: state?.accepted }
    }
  }

  /** The register is chosen: its promise has nothing left to guard. */
  forget(key: RegisterKey): void {
    this.promises.delete(key)
  }

  /** Folds promises older than the longest put into the floor, so that memory stays bounded. */
  fold(nowMs: number): void {
    for (const [key, promise] of this.promises) {
      if (nowMs - promise.givenAtMs < PROMISE_KEPT_MS) return
      this.floor = higherCeiling(this.floor, promise.ballot)
      this.promises.delete(key)
    }
  }

  private reserve(key: RegisterKey, ballot: Ballot, state: RegisterState | undefined, nowMs: number): AcceptorReply {
    const higher = this.above(key, ballot, state?.accepted)
    if (higher !== undefined) return { kind: 'rejected', ballot, higher }
    this.rounds.raiseAbove(ballot)
    this.promises.delete(key)
    this.promises.set(key, { ballot, givenAtMs: nowMs })
    return { kind: 'promised', ballot, accepted: state?.accepted }
  }

  private commit(key: RegisterKey, ballot: Ballot, record: ValueRecord, state: RegisterState | undefined): AcceptorReply {
    const accepted = state?.accepted
    const higher = this.above(key, ballot, accepted)
    if (higher !== undefined) return { kind: 'rejected', ballot, higher }
    if (accepted !== undefined && compareBallots(accepted.ballot, ballot) === 0) {
      assert(equalRecords(accepted.record, record), `two records at one ballot ${formatBallot(ballot)} for ${JSON.stringify(key)}`)
      return { kind: 'committed', ballot }
    }
    // What is accepted is durable and counts as a promise, so the promise itself may go.
    this.promises.delete(key)
    this.outbox.persist(acceptedWrite(key, { ballot, record }))
    return { kind: 'committed', ballot }
  }

  /** The ballot that forbids this one, if any: the highest of what was promised, accepted, and the floor. */
  private above(key: RegisterKey, ballot: Ballot, accepted: Accepted | undefined): Ballot | undefined {
    const promised = this.promises.get(key)?.ballot
    if (promised !== undefined && compareBallots(ballot, promised) < 0) return promised
    if (accepted !== undefined && compareBallots(ballot, accepted.ballot) < 0) return accepted.ballot
    if (!isCovered(ballot, this.floor)) return undefined
    return { ...this.floor, by: HIGHEST_IDENTITY }
  }
}

/** Stands for "any peer" in the floor: no real identity is above it. */
const HIGHEST_IDENTITY = identity(PEER_ID_HIGHEST, INCARNATION_HIGHEST)
