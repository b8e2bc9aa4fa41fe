/**
 * Sets, as a type of data of a peer: elements that are inserted and deleted at any peer without
 * asking anybody, and are the same everywhere once everybody has heard the same. Here is who is
 * handed what; the rules are in the files beside.
 */
import type { Identity } from '../base/identity.ts'
import type { DataType, Figure, TypeContext } from '../data-type.ts'
import type { ClientId } from '../events.ts'
import type { RequestOf } from '../service.ts'
import type { Greeting } from '../wire/greeting.ts'
import { MalformedBytes } from '../wire/malformed.ts'
import { ByteWriter } from '../wire/writer.ts'
import { Beginning } from './beginning.ts'
import { Clocks } from './clocks.ts'
import { SetCollection } from './collection.ts'
import { isRemoved } from './context.ts'
import type { SetsContext, SetsSettings } from './context.ts'
import { Condition } from './condition.ts'
import { Deciding } from './deciding.ts'
import { DiskRows } from './disk-rows.ts'
import { Dropped } from './dropped.ts'
import { Hearing } from './hearing.ts'
import { Holdings } from './holdings.ts'
import { readSetsMessage, writeSetsMessage } from './messages.ts'
import type { SetsMessage, Told } from './messages.ts'
import { Operations } from './operations.ts'
import { Reading } from './reading.ts'
import type { DroppedAnswer, DroppedRequest, SetAnswer, SetRequest } from './requests.ts'
import type { Row, SetRows } from './rows.ts'
import { slotOfSet } from './slots.ts'
import { Spread, portions } from './spread.ts'
import { Standing } from './standing.ts'
import { Sweeper } from './sweeper.ts'
import { TakeOvers } from './take-overs.ts'
import { WAITS_MAX, Waits } from './waits.ts'
import type { Waiting } from './waits.ts'
import { Watchers } from './watchers.ts'

type Of<Kind extends SetsMessage['kind']> = Extract<SetsMessage, { readonly kind: Kind }>

export class Sets implements DataType {
  readonly collection: SetCollection
  private readonly types: TypeContext
  private readonly context: SetsContext
  private readonly holdings: Holdings
  private readonly clocks: Clocks = new Clocks()
  private readonly watchers: Watchers
  private readonly reading: Reading
  private readonly operations: Operations
  private readonly spread: Spread
  private readonly hearing: Hearing
  private readonly condition: Condition
  private readonly waits: Waits
  private readonly takeOvers: TakeOvers
  private readonly dropped: Dropped
  private readonly standing: Standing
  private readonly sweeper: Sweeper
  private readonly beginning: Beginning

  constructor(types: TypeContext, settings: SetsSettings) {
    const { sha256, self, moment, chain, roster, random, nextId } = types
    const { utf8 } = types.codec
    const writer = new ByteWriter(utf8)
    this.types = types
    const context: SetsContext = {
      self,
      moment,
      chain,
      roster,
      random,
      nextId,
      utf8,
      sha256,
      settings,
      wallMs: () => types.wallMs(),
      send: (to, message, after) => types.send(to, writeSetsMessage(writer, message), after, wayOf(message)),
    }
    this.context = context
    const disk = new DiskRows(utf8, sha256)
    this.holdings = new Holdings(
      types.rows,
      disk,
      (set, writes, isBarrier) => types.persist(set, writes, isBarrier ? 'barrier' : 'usual'),
      (rows, changed) => this.watchers.changed(rows, changed),
    )
    this.collection = new SetCollection(this.holdings, disk, context, (set, told, cut) => this.hearing.onCompared(set, told, cut))
    this.watchers = new Watchers(self.incarnation, (client, set, answer, isLast) => {
      if (isLast) types.answer(client, answer, slotOfSet(set))
      else types.tell(client, answer, slotOfSet(set))
    })
    this.spread = new Spread(context)
    this.dropped = new Dropped(types.rows, disk)
    this.takeOvers = new TakeOvers(context, this.holdings, this.dropped, (rows, lost) => this.onLost(rows, lost))
    this.hearing = new Hearing(context, this.holdings, this.takeOvers, this.spread)
    this.standing = new Standing(context, this.holdings, this.clocks, this.takeOvers)
    const deciding = new Deciding(types)
    this.sweeper = new Sweeper(
      context,
      this.holdings,
      (set, number, stamp, settled) => deciding.cut(set, number, stamp, settled),
      (id) => context.send(self.peerId, { kind: 'kept', receipt: { to: self.peerId, id }, keeper: self }, 'everything'),
      () => this.standing.tellAll(),
    )
    this.beginning = new Beginning(context, this.holdings, this.standing, (place, candidate, settled) =>
      deciding.beginning(place, candidate, settled),
    )
    this.reading = new Reading(
      context,
      this.holdings,
      this.watchers,
      () => this.condition.equality(),
      (client, answer, set) => this.answer(client, answer, set),
    )
    this.operations = new Operations(context, this.holdings, {
      refusal: () => this.condition.refusal(),
      settled: (rows) => this.takeOvers.settled(rows),
      done: (client, set, told, wait, shiftMs, deadlineMs) => this.done({ client, set, wait, shiftMs, deadlineMs }, told),
      answer: (client, answer, set) => this.answer(client, answer, set),
    })
    this.waits = new Waits(context, {
      kept: ({ client, set, shiftMs }) => this.answer(client, { kind: 'stored', shiftMs }, set),
      expired: ({ client, set, shiftMs }) => this.answer(client, inDoubt(shiftMs, 'not seen in time where it was to be kept'), set),
      lost: ({ client, set, shiftMs }) =>
        this.answer(
          client,
          { kind: 'in-doubt', shiftMs, detail: 'a later cut that does not know it was taken over: see what was dropped' },
          set,
        ),
      retell: (set, id, rows, keepers) => this.spread.retell(set, rows, { to: self.peerId, id }, keepers),
    })
    this.condition = new Condition(context, this.holdings, this.clocks, this.waits)
  }

  get isBusy(): boolean {
    return this.waits.size > 0 || this.takeOvers.isRunning || this.sweeper.isRunning
  }

  asked({ client, request, deadlineMs }: RequestOf<'typed'>): void {
    const asked = request as SetRequest | DroppedRequest
    switch (asked.kind) {
      case 'insert':
      case 'delete':
      case 'update':
      case 'restore':
        return this.operations.run(client, asked, deadlineMs)
      case 'dropped':
        return this.answer(client, { kind: 'dropped', lots: this.dropped.lots() }, undefined)
      case 'dropped-kept':
        this.types.persist(asked.lot.set, this.dropped.removals(asked.lot), 'usual')
        return this.answer(client, { kind: 'stored', shiftMs: 0 }, asked.lot.set)
      default:
        return this.reading.read(client, asked)
    }
  }

  told(from: Identity, body: Uint8Array): void {
    const message = this.read(from, body)
    if (message === undefined) return
    switch (message.kind) {
      case 'changed':
        return this.hearing.onChanged(from, message)
      case 'kept':
        return this.onKept(from, message)
      case 'standing':
        return this.standing.onStanding(from, message)
      case 'sets-wanted':
        return this.standing.onSetsWanted(from)
      case 'sets':
        return this.standing.onSets(from, message)
      case 'bar-wanted':
        return this.hearing.onBarWanted(from, message)
      case 'barred':
        return this.sweeper.onBarred(from, message)
      case 'whole-wanted':
        return this.hearing.onWholeWanted(from, message)
      case 'whole':
        if (!this.takeOvers.onWhole(from, message)) this.sweeper.onWhole(from, message)
    }
  }

  /**
   * What a peer said; undefined, and its connection closed, when no peer of this protocol says
   * that.
   */
  private read(from: Identity, body: Uint8Array): SetsMessage | undefined {
    try {
      return readSetsMessage(body, this.context.utf8, this.context.settings.isElement)
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error
      this.types.outbox.disconnect(from.peerId, `malformed message of sets: ${error.message}`)
      return undefined
    }
  }

  cancel(client: ClientId): void {
    this.waits.cancel(client)
    this.watchers.cancel(client)
  }

  tick(): void {
    this.waits.tick()
    this.takeOvers.tick()
    this.sweeper.tick(this.holdings.isWhole && !this.takeOvers.isRunning)
  }

  upkeep(): void {
    if (isRemoved(this.context, this.context.self.peerId, this.context.roster.clusterId)) this.holdings.unmarkWhole()
    this.beginning.upkeep()
    this.standing.upkeep()
  }

  configInstalled(): void {
    this.waits.configInstalled()
  }

  met(remote: Greeting): void {
    this.standing.met(remote.identity.peerId)
  }

  lost(peerId: Identity['peerId']): void {
    this.standing.lost(peerId)
  }

  restUntilMs(): number {
    return Math.min(this.standing.restUntilMs(), this.sweeper.restUntilMs(), this.beginning.restUntilMs())
  }

  status(): Readonly<Record<string, unknown>> {
    return this.condition.status()
  }

  warnings(): readonly string[] {
    return this.condition.warnings()
  }

  readonly figures: readonly Figure[] = [
    {
      name: 'rows',
      help: 'Elements known, removed ones among them until they are forgotten',
      kind: 'gauge',
      read: () => this.holdings.tree.keyCount,
    },
    { name: 'waits', help: 'Clients that wait for others to have their operations', kind: 'gauge', read: () => this.waits.size },
  ]

  get load(): Readonly<Record<string, number>> {
    return { setWaits: this.waits.size }
  }

  /**
   * A client's operation is written here: others are told, and the client when all that it waits
   * for have it.
   */
  private done(waiting: Omit<Waiting, 'parts' | 'toldAtMs'>, told: readonly Told[]): void {
    const { client, set, wait, shiftMs } = waiting
    const { self, nextId } = this.context
    const isAwaited = wait !== 'here' && this.waits.size < WAITS_MAX
    const parts = new Map(portions(told).map((rows) => [nextId(), rows]))
    if (isAwaited) this.waits.begin(waiting, parts)
    for (const [id, rows] of parts) {
      const receipt = isAwaited ? { to: self.peerId, id } : undefined
      this.spread.tellAll(set, rows, receipt)
      if (receipt !== undefined) this.context.send(self.peerId, { kind: 'kept', receipt, keeper: self }, slotOfSet(set))
    }
    if (wait === 'here') this.answer(client, { kind: 'stored', shiftMs }, set)
    else if (!isAwaited) this.answer(client, inDoubt(shiftMs, 'too many others wait'), set)
  }

  private onKept(from: Identity, message: Of<'kept'>): void {
    const { self } = this.context
    const { receipt, keeper } = message
    if (receipt.to !== self.peerId) return this.hearing.onKeptForAnother(from, message)
    this.waits.kept(receipt.id, keeper.id)
    if (from.id === self.id) this.sweeper.durable(receipt.id)
  }

  private onLost(rows: SetRows, lost: readonly Row[]): void {
    this.condition.droppedCount += lost.length
    this.types.note(`${lost.length} members of the set ${rows.name} went: a later cut was taken over, which does not know them`, true)
    this.waits.lost(rows.name, new Set(lost.map(({ key }) => key)))
    this.watchers.startOver(rows)
  }

  private answer(client: ClientId, answer: SetAnswer | DroppedAnswer, set: string | undefined): void {
    this.types.answer(client, answer, set === undefined ? 'nothing' : slotOfSet(set))
  }
}

function inDoubt(shiftMs: number, detail: string): SetAnswer {
  return { kind: 'in-doubt', shiftMs, detail: `stored here, and spreading; ${detail}` }
}

/** What a set holds is large, and may be asked for again. */
function wayOf({ kind }: SetsMessage): 'votes' | 'bulk' {
  return kind === 'whole' ? 'bulk' : 'votes'
}
