/**
 * An acceptor: one voter's memory of what it promised and accepted, register by register (Lamport,
 * "Paxos Made Simple", 2001; a write-once register is one instance of it). Promises live in memory;
 * what memory loses, the floor covers. It answers only for itself, and only while its config gives
 * it a vote.
 */
import { acceptedWrite } from '../base/persist.ts'
import { assert } from '../base/assert.ts'
import { compareBallots, formatBallot } from '../base/ballot.ts'
import type { Ballot, Ceiling } from '../base/ballot.ts'
import type { Outbox } from '../outbox.ts'
import { equalRecords } from '../base/record.ts'
import type { ValueRecord } from '../base/record.ts'
import type { Home } from '../base/units.ts'
import type { RegisterKey, RegisterState, Registers } from '../base/register.ts'
import type { AcceptorReply, AcceptorRequest } from '../wire/agreement-messages.ts'
import { Promises } from './promises.ts'
import type { Rounds } from './rounds.ts'
import type { Settlement } from './settlement.ts'

export class Acceptor {
  private readonly registers: Registers
  private readonly rounds: Rounds
  private readonly outbox: Outbox
  private readonly promises: Promises
  private readonly settlementOf: (key: RegisterKey) => Settlement

  constructor(registers: Registers, rounds: Rounds, outbox: Outbox, floor: Ceiling, settlementOf: (key: RegisterKey) => Settlement) {
    this.registers = registers
    this.rounds = rounds
    this.outbox = outbox
    this.promises = new Promises(floor)
    this.settlementOf = settlementOf
  }

  get promiseCount(): number {
    return this.promises.count
  }

  /**
   * Answers a request whose epoch, target and vote were checked. The reply waits for the syncs of
   * its key.
   */
  answer(body: AcceptorRequest, nowMs: number): AcceptorReply {
    const state = this.registers.read(body.key)
    if (state?.chosen !== undefined && this.settlementOf(body.key).isFinal) return { kind: 'chosen', record: state.chosen }
    switch (body.kind) {
      case 'reserve':
        return this.reserve(body.key, body.ballot, state, nowMs)
      case 'commit':
        return this.commit(body.key, body.ballot, body.record, state)
      case 'offer':
        return this.offer(body.key, body.ballot, body.record, body.home, state)
      case 'read':
        return { kind: 'seen', epoch: body.epoch, accepted: state?.accepted }
    }
  }

  /**
   * A record of the register is chosen. Where that is final, its promise has nothing left to guard.
   */
  learned(key: RegisterKey): void {
    if (this.settlementOf(key).isFinal) this.promises.forget(key)
  }

  /** Somebody was promised the register lately, and nothing has come of it yet. */
  hasPromised(key: RegisterKey): boolean {
    return this.promises.has(key)
  }

  fold(nowMs: number): void {
    this.promises.fold(nowMs)
  }

  private reserve(key: RegisterKey, ballot: Ballot, state: RegisterState | undefined, nowMs: number): AcceptorReply {
    const higher = this.promises.above(key, ballot, state?.accepted?.ballot)
    if (higher !== undefined) return { kind: 'rejected', ballot, higher }
    this.rounds.raiseAbove(ballot)
    this.promises.give(key, ballot, nowMs)
    return { kind: 'promised', ballot, accepted: state?.accepted }
  }

  private commit(key: RegisterKey, ballot: Ballot, record: ValueRecord, state: RegisterState | undefined): AcceptorReply {
    const accepted = state?.accepted
    const higher = this.promises.above(key, ballot, accepted?.ballot)
    if (higher !== undefined) return { kind: 'rejected', ballot, higher }
    if (accepted !== undefined && compareBallots(accepted.ballot, ballot) === 0) {
      assertOneRecord(key, ballot, accepted.record, record)
      // Over an offer it is written all the same: only a plain row says that home has accepted.
      if (accepted.home === undefined) return { kind: 'committed', ballot }
    }
    // What is accepted is durable and counts as a promise, so the promise itself may go.
    this.promises.forget(key)
    this.outbox.persist(acceptedWrite(key, { ballot, record }))
    return { kind: 'committed', ballot }
  }

  /**
   * An offer is taken by a voter that holds nothing. Taken again, it is answered behind all writes
   * of the key: a plain record of its ballot may still be on its way to the disk.
   */
  private offer(key: RegisterKey, ballot: Ballot, record: ValueRecord, home: Home, state: RegisterState | undefined): AcceptorReply {
    const accepted = state?.accepted
    const higher = this.promises.above(key, ballot, undefined)
    if (higher !== undefined) return { kind: 'rejected', ballot, higher }
    if (accepted !== undefined) {
      if (compareBallots(accepted.ballot, ballot) !== 0) return { kind: 'rejected', ballot, higher: accepted.ballot }
      assertOneRecord(key, ballot, accepted.record, record)
      return { kind: 'taken', ballot }
    }
    this.promises.forget(key)
    this.outbox.persist(acceptedWrite(key, { ballot, record, home }))
    return { kind: 'taken', ballot }
  }
}

function assertOneRecord(key: RegisterKey, ballot: Ballot, held: ValueRecord, told: ValueRecord): void {
  assert(equalRecords(held, told), `two records at one ballot ${formatBallot(ballot)} for ${JSON.stringify(key)}`)
}
