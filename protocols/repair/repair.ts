/**
 * Repair of all that a peer holds: each type's rows are copied by themselves (`copying.ts`), and a
 * peer is complete, or covers an old voter, when that is so of all of them.
 */
import type { Identity, PeerId } from '../base/identity.ts'
import type { InForce } from '../base/installed.ts'
import type { ValueRecord } from '../base/record.ts'
import type { RegisterKey } from '../base/register.ts'
import type { Outbox } from '../outbox.ts'
import type { Handlers, Service } from '../service.ts'
import type { Greeting } from '../wire/greeting.ts'
import { MalformedBytes } from '../wire/malformed.ts'
import type { Health, TypeHealth } from '../wire/membership-messages.ts'
import type { PullAnswer, PullQuestion } from '../wire/pull-messages.ts'
import type { RowAnswer } from '../wire/repair-messages.ts'
import type { RowCollection } from './collection.ts'
import { Copying } from './copying.ts'
import type { CopyingContext, Told } from './copying.ts'
import { speechOfKeys, speechOfRows } from './speech.ts'

type Shared = Omit<CopyingContext<never, never>, 'collection' | 'speech' | 'toldBy' | 'answeredBy' | 'onCaughtUp' | 'onCopied'>

export interface RepairContext extends Shared {
  readonly outbox: Outbox
  readonly collection: CopyingContext<RegisterKey, ValueRecord>['collection']
  /** The types beside keys whose rows are repaired. */
  readonly types: readonly RepairedType[]
}

/** A further type, as repair knows it. */
export interface RepairedType {
  readonly name: string
  readonly code: number
  /** Peers speak of it from this protocol version on. */
  readonly since: number
  readonly collection: RowCollection
}

/** The rows of one further type, and how they are copied. */
interface Rows {
  readonly type: RepairedType
  readonly copying: Copying<string, Uint8Array>
}

type Kinds =
  | PullQuestion<RegisterKey>['kind']
  | PullAnswer<RegisterKey, ValueRecord>['kind']
  | 'rows-wanted'
  | 'rows-told'
  | 'covered-wanted'

export class Repair implements Service {
  readonly handles: Handlers<Kinds>
  private readonly context: RepairContext
  private readonly keys: Copying<RegisterKey, ValueRecord>
  private readonly rows: readonly Rows[]

  constructor(context: RepairContext) {
    const { outbox, roster, collection } = context
    this.context = context
    const keys = new Copying<RegisterKey, ValueRecord>({
      ...context,
      speech: speechOfKeys(outbox),
      toldBy: (peer) => toldOfKeys(roster.freshHealth(peer)),
      answeredBy: ({ answeredHealth }) => toldOfKeys(answeredHealth),
      onCaughtUp: () => outbox.note({ kind: 'caught-up', type: 'keys', keyCount: collection.tree.keyCount }),
      onCopied: (from, keyCount) => outbox.note({ kind: 'repaired', type: 'keys', from, keyCount }),
    })
    this.keys = keys
    this.rows = context.types.map((type) => ({ type, copying: this.copyingOf(type) }))
    const answer = (from: Identity, question: PullQuestion<RegisterKey>): void => keys.answer(from.peerId, question)
    const reply = (from: Identity, message: PullAnswer<RegisterKey, ValueRecord>): void => keys.reply(from, message)
    this.handles = {
      'doubts-wanted': answer,
      'hashes-wanted': answer,
      'leaves-wanted': answer,
      'records-wanted': answer,
      doubts: reply,
      hashes: reply,
      leaves: reply,
      records: reply,
      'rows-wanted': (from, { type, question }) => this.of(type)?.answer(from.peerId, question),
      'rows-told': (from, { type, mark, answer: told }) => this.rowsTold(from, type, told, mark),
      'covered-wanted': (from, { epoch }) => this.coveredWanted(from.peerId, epoch),
    }
  }

  /**
   * Complete once since the start: everything that one voter had is here, of each type that the
   * config lets be used.
   */
  get caughtUp(): boolean {
    return this.keys.caughtUp && this.rows.every(({ type, copying }) => copying.caughtUp || !this.isOpen(type))
  }

  /** True when another peer holds what is held here: there is nothing to pull. */
  isOwn({ root, types = [] }: Health): boolean {
    return this.keys.isOwnRoot(root) && types.every(({ type, root: told }) => this.of(type)?.isOwnRoot(told) !== false)
  }

  /** What heartbeats say of the rows of further types. @param protocolMax of whoever is told */
  healthOfTypes(protocolMax: number): readonly TypeHealth[] {
    return this.rows.flatMap(({ type: { code, since, collection } }) =>
      since <= protocolMax ? [{ type: code, rowCount: collection.tree.keyCount, root: collection.tree.rootHash() }] : [],
    )
  }

  /** Has one type pull from a peer at once. @param ended told once how it ended */
  pull(type: number, source: Identity, ended: (isDone: boolean) => void): void {
    this.of(type)?.pull(source, ended)
  }

  restUntilMs(): number {
    const isAtRest = this.keys.isAtRest && this.rows.every(({ copying }) => copying.isAtRest)
    return isAtRest ? Number.POSITIVE_INFINITY : this.context.moment.nowMs
  }

  /**
   * The old voters whose lists are held here; said to others only behind the sync of everything.
   */
  coveredSources(): readonly Identity[] {
    const carried = this.rows.filter(({ type }) => this.isCarriedOver(type))
    return this.keys.coveredSources().filter(({ id }) => carried.every(({ copying }) => copying.covers(id)))
  }

  configInstalled(): void {
    this.keys.configInstalled()
    for (const { copying } of this.rows) copying.configInstalled()
  }

  met({ identity }: Greeting): void {
    this.keys.met(identity.peerId)
    for (const { copying } of this.rows) copying.met(identity.peerId)
  }

  lost(peerId: PeerId): void {
    this.keys.lost(peerId)
    for (const { copying } of this.rows) copying.lost(peerId)
  }

  upkeep(): void {
    this.keys.upkeep(true)
    for (const { type, copying } of this.rows) copying.upkeep(this.isCarriedOver(type))
  }

  private copyingOf({ name, code, collection }: RepairedType): Copying<string, Uint8Array> {
    const { outbox, roster } = this.context
    return new Copying<string, Uint8Array>({
      ...this.context,
      collection,
      speech: speechOfRows(outbox, code, collection.mark?.bind(collection)),
      toldBy: (peer) => toldOfType(roster.freshHealth(peer), code),
      answeredBy: ({ answeredHealth }) => toldOfType(answeredHealth, code),
      onCaughtUp: () => outbox.note({ kind: 'caught-up', type: name, keyCount: collection.tree.keyCount }),
      onCopied: (from, keyCount) => outbox.note({ kind: 'repaired', type: name, from, keyCount }),
    })
  }

  private rowsTold(from: Identity, type: number, told: RowAnswer, mark: Uint8Array): void {
    const copying = this.of(type)
    try {
      copying?.reply(from, told, mark)
    } catch (error) {
      if (!(error instanceof MalformedBytes) || from.id === this.context.self.id) throw error
      copying?.lost(from.peerId)
      this.context.outbox.note({ kind: 'refused', peerId: from.peerId, reason: error.message })
      this.context.outbox.disconnect(from.peerId, 'malformed row of a type')
    }
  }

  private of(type: number): Copying<string, Uint8Array> | undefined {
    return this.rows.find((each) => each.type.code === type)?.copying
  }

  /** A voter that does not know the type answers no question about it: nobody may wait for one. */
  private isOpen({ since }: RepairedType): boolean {
    const config = (this.context.chain as InForce).current?.config
    return config !== undefined && config.protocolMin >= since
  }

  private isCarriedOver(type: RepairedType): boolean {
    return type.collection.isCarriedOver && this.isOpen(type)
  }

  private coveredWanted(from: PeerId, epoch: number): void {
    const { chain, self, outbox } = this.context
    if (epoch !== chain.epoch) return
    outbox.send(from, { kind: 'covered', epoch, sender: self, sources: this.coveredSources() }, 'everything')
  }
}

function toldOfKeys(health: Health | undefined): Told | undefined {
  return health && { root: health.root, rowCount: health.keyCount }
}

function toldOfType(health: Health | undefined, code: number): Told | undefined {
  return health?.types?.find(({ type }) => type === code)
}
