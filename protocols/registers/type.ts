/**
 * Registers as a type of data of a peer: what they are given of it, and how peers repair them among
 * one another.
 */
import type { Identity } from '../base/identity.ts'
import { dataKey } from '../base/register.ts'
import type { DataType, Figure, TypeContext, TypeDefinition } from '../data-type.ts'
import type { ClientId } from '../events.ts'
import type { RowCollection } from '../repair/collection.ts'
import { rowDigest } from '../repair/indexed-rows.ts'
import type { RequestOf } from '../service.ts'
import { slotOfRegister } from './cells.ts'
import { registerCollection } from './collection.ts'
import { RegistersCore } from './registers.ts'
import { REGISTERS } from './requests.ts'
import type { RegisterAnswer, RegisterRequest } from './requests.ts'

/** Of its messages. */
const CODE = 2
/** The protocol version from which on builds know registers. */
const SINCE = 2

/** Between two sweeps of one voter. */
const SWEEP_EVERY_MS = 3_600_000

export const REGISTERS_TYPE: TypeDefinition = registersType(SWEEP_EVERY_MS)

/** @param sweepEveryMs how often deletions are forgotten, where there are any */
export function registersType(sweepEveryMs: number): TypeDefinition {
  return { name: REGISTERS, code: CODE, since: SINCE, create: (context) => new Registers(context, sweepEveryMs) }
}

class Registers implements DataType {
  readonly collection: RowCollection
  readonly core: RegistersCore
  private readonly context: TypeContext

  constructor(context: TypeContext, sweepEveryMs: number) {
    const { self, moment, chain, roster, agreement, floor, isTooOld, onLaterEpoch, codec, sha256, random, nextId, rows, outbox } = context
    this.context = context
    this.core = new RegistersCore({
      self,
      moment,
      chain,
      neighbours: roster,
      rounds: agreement.rounds,
      floor,
      store: { rows, persist: (name, writes, urgency) => context.persist(name, writes, urgency), digestOf: rowDigest(sha256, codec) },
      utf8: codec.utf8,
      sha256,
      random,
      nextId,
      missing: () => this.missing(),
      isTooOld,
      configsSince: (epoch) => chain.since(epoch),
      onLaterEpoch,
      send: (to, body, after) => context.send(to, body, after),
      answer: (client, answer, key) => this.answer(client, answer, key),
      tell: (client, answer) => context.tell(client, answer, 'everything'),
      sweepEveryMs,
      pull: (source, ended) => context.pull(source, ended),
      alarm: (key, held, told) => outbox.note({ kind: 'divergence', key, held: held.record, told: told.record }),
    })
    this.collection = registerCollection(this.core, codec.utf8)
  }

  get isBusy(): boolean {
    return this.core.isBusy
  }

  get load(): Readonly<Record<string, number>> {
    return { runs: this.core.coordinator.size, reads: this.core.reads.size }
  }

  readonly figures: readonly Figure[] = [
    {
      name: 'held',
      help: 'Registers held, deleted ones among them until they are forgotten',
      kind: 'gauge',
      read: () => this.collection.tree.keyCount,
    },
    { name: 'in_doubt', help: 'Registers accepted above what is known to be chosen', kind: 'gauge', read: () => this.core.doubts.size },
  ]

  status(): Readonly<Record<string, unknown>> {
    return { inDoubt: this.core.doubts.size }
  }

  told(from: Identity, body: Uint8Array): void {
    this.core.told(from, body)
  }

  asked({ client, request, deadlineMs }: RequestOf<'typed'>): void {
    this.core.asked(client, request as RegisterRequest, deadlineMs)
  }

  cancel(client: ClientId): void {
    this.core.cancel(client)
  }

  tick(): void {
    this.core.tick()
  }

  upkeep(): void {
    this.core.upkeep()
  }

  restUntilMs(): number {
    return this.core.restUntilMs()
  }

  configInstalled(): void {
    this.core.configInstalled()
  }

  lost(): void {
    this.core.lost()
  }

  private missing(): string | undefined {
    const { readiness, isOpen } = this.context
    readiness.observe()
    if (!readiness.hasBeenReady) return readiness.missing() ?? ''
    return isOpen ? undefined : 'some voter does not know registers yet: replace its release'
  }

  /** @param key of what is held here and shown, so that it is on disk first */
  private answer(client: ClientId, answer: RegisterAnswer, key: string | undefined): void {
    this.context.answer(client, answer, key === undefined ? 'nothing' : slotOfRegister(dataKey(key)))
  }
}
