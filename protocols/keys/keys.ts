/** Write-once keys: clients' puts and gets, what is chosen, and how everyone learns it. */
import type { Agreement } from '../agreement/agreement.ts'
import { writingClaim } from '../agreement/coordinator.ts'
import type { ClaimResult } from '../agreement/run.ts'
import { ONCE } from '../agreement/settlement.ts'
import type { Space } from '../agreement/space.ts'
import type { Ballot } from '../base/ballot.ts'
import type { Sha256 } from '../base/bytes.ts'
import type { Identity } from '../base/identity.ts'
import type { InForce, Installed } from '../base/installed.ts'
import type { Moment } from '../base/moment.ts'
import type { Quorum } from '../base/quorum.ts'
import type { ValueRecord } from '../base/record.ts'
import { isHiddenKey } from '../base/register.ts'
import type { RegisterKey, Registers } from '../base/register.ts'
import type { Neighbours } from '../base/reach.ts'
import type { ClientId } from '../events.ts'
import type { Readiness } from '../membership/readiness.ts'
import type { Outbox } from '../outbox.ts'
import type { Handlers, RequestOf, Requests, Service } from '../service.ts'
import type { Codec } from '../wire/codec.ts'
import { ChosenKeys } from './chosen.ts'
import type { ChosenAtStart } from './chosen.ts'
import { Puts, unservedOutcome } from './puts.ts'
import { Reads } from './reads.ts'
import { Spread } from './spread.ts'

/** 128 bits. */
const WRITE_ID_DIGITS = 32
const HIDDEN_CONTENT_TYPE = 'application/octet-stream'

export interface KeysContext {
  readonly self: Identity
  readonly moment: Moment
  readonly outbox: Outbox
  readonly registers: Registers
  readonly codec: Codec
  readonly sha256: Sha256
  readonly chain: InForce
  readonly neighbours: Neighbours
  readonly agreement: Agreement
  readonly readiness: Readiness
  readonly chosenAtStart: Iterable<ChosenAtStart>
  /** Keys with two chosen records, as persisted. */
  readonly diverged: Iterable<RegisterKey>
  readonly random: () => number
  /** A hidden key was learned. */
  readonly onHidden: (key: RegisterKey, value: Uint8Array) => void
  /** A register of any space is said to be chosen. */
  readonly learn: (key: RegisterKey, record: ValueRecord) => void
}

export class Keys implements Service {
  readonly handles: Handlers<'learn' | 'want'>
  readonly requests: Requests<'put' | 'get'>
  readonly chosen: ChosenKeys
  readonly puts: Puts
  readonly reads: Reads
  private readonly context: KeysContext
  private readonly spread: Spread

  constructor(context: KeysContext) {
    const { self, moment, outbox, registers, codec, sha256, chain, neighbours, agreement, learn } = context
    const { coordinator, polls, roundTrips, representative, chose } = agreement
    this.context = context
    this.chosen = new ChosenKeys(registers, codec, sha256, outbox, { learned: (key, record) => this.learned(key, record) })
    this.chosen.restore(context.chosenAtStart, context.diverged)
    const { chosen } = this
    this.puts = new Puts(outbox, coordinator)
    this.reads = new Reads({ moment, outbox, chain, polls, roundTrips, chosen, coordinator, chose })
    this.spread = new Spread({ self, registers, outbox, chosen, chain, neighbours, representative, learn })
    this.handles = {
      learn: (from, message) => this.spread.onLearn(from.peerId, message),
      want: (from, { key }) => this.spread.wanted(from.peerId, key),
    }
    this.requests = { put: (request) => this.put(request), get: (request) => this.reads.begin(request) }
  }

  get isBusy(): boolean {
    return this.reads.size > 0
  }

  cancel(client: ClientId): void {
    this.puts.cancel(client)
    this.reads.cancel(client)
  }

  tick(): void {
    this.reads.tick()
  }

  configInstalled(): void {
    this.reads.configInstalled()
  }

  /**
   * Has a hidden key decided: with this value, unless another was or comes first.
   *
   * @param settled told once what the key's value is for good; undefined when it was not decided in
   * time, and may be later
   */
  decide(key: RegisterKey, value: Uint8Array, deadlineMs: number, settled: (value: Uint8Array | undefined) => void): void {
    const { agreement, random } = this.context
    const digits = Array.from({ length: WRITE_ID_DIGITS }, () => Math.floor(random() * 16).toString(16))
    const record = { writeId: digits.join(''), value, contentType: HIDDEN_CONTENT_TYPE, writtenAtMs: 0 }
    const settle = (result: ClaimResult): void => settled(result.kind === 'chosen' ? result.record.value : undefined)
    agreement.coordinator.claim(key, writingClaim(record, deadlineMs, settle), false)
  }

  /** Tells everyone what a quorum is known to hold at a ballot. */
  tellAll(key: RegisterKey, record: ValueRecord, ballot: Ballot): void {
    this.spread.tellAll(key, record, ballot)
  }

  /** Clients' registers. */
  readonly space: Space = {
    settlement: ONCE,
    quorum: ({ quorum }: Installed): Quorum => quorum,
    isOpen: (_: RegisterKey, { config }: Installed): boolean => !config.forming,
    // What further types decide for themselves is rare, and several begin it at once.
    isOffered: (key: RegisterKey): boolean => !isHiddenKey(key),
    isUnserved: (key: RegisterKey): boolean => this.chosen.isDiverged(key),
    isKeptWithoutVote: false,
    learn: (key: RegisterKey, record: ValueRecord): void => this.chosen.learn(key, record),
  }

  private learned(key: RegisterKey, record: ValueRecord): void {
    this.context.agreement.settled(key, record)
    this.reads.learned(key, record)
    this.spread.learned(key, record)
    if (isHiddenKey(key)) this.context.onHidden(key, record.value)
  }

  private put(request: RequestOf<'put'>): void {
    const { readiness, outbox } = this.context
    readiness.observe()
    if (!readiness.hasBeenReady) return outbox.answer(request.client, { kind: 'not-ready', detail: readiness.missing() ?? '' })
    if (this.chosen.isDiverged(request.key)) return outbox.answer(request.client, unservedOutcome(request))
    this.puts.begin(request)
  }
}
