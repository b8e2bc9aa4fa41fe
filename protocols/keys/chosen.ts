/**
 * What is known to be chosen. A chosen record never changes, so it is served from here without
 * asking anybody, and merging two peers' knowledge is union. Being told another record for a chosen
 * key can only mean a broken peer or disk: an alarm, never last-write-wins; the key is then no
 * longer served, and both records are kept as evidence.
 */
import { chosenWrite, divergedWrite } from '../base/persist.ts'
import { utf8Length } from '../base/bytes.ts'
import type { Sha256 } from '../base/bytes.ts'
import type { Outbox } from '../outbox.ts'
import { equalBytes, equalRecords } from '../base/record.ts'
import type { ValueRecord } from '../base/record.ts'
import { isConfigKey, isHiddenKey } from '../base/register.ts'
import type { RegisterKey, Registers } from '../base/register.ts'
import { HashTree } from '../base/hash-tree.ts'
import type { Codec } from '../wire/codec.ts'

/** A chosen key as the store tells of it at start. */
export interface ChosenAtStart {
  readonly key: RegisterKey
  readonly digest: Uint8Array
  /** Bytes of key and value. */
  readonly bytes: number
}

export interface ChosenListener {
  /** A register was just learned. */
  learned(key: RegisterKey, record: ValueRecord): void
}

export class ChosenKeys {
  readonly tree: HashTree = new HashTree()
  private readonly registers: Registers
  private readonly codec: Codec
  private readonly sha256: Sha256
  private readonly outbox: Outbox
  private readonly listener: ChosenListener
  private readonly diverged = new Set<RegisterKey>()
  private readonly hiddenHeld: RegisterKey[] = []
  private totalBytes = 0
  private hidden = 0

  constructor(registers: Registers, codec: Codec, sha256: Sha256, outbox: Outbox, listener: ChosenListener) {
    this.registers = registers
    this.codec = codec
    this.sha256 = sha256
    this.outbox = outbox
    this.listener = listener
  }

  /** Keys held that clients can ask for. */
  get count(): number {
    return this.tree.keyCount - this.hidden
  }

  /** Bytes of them and of their values. */
  get bytes(): number {
    return this.totalBytes
  }

  get divergedCount(): number {
    return this.diverged.size
  }

  /** @param diverged keys for which a second record was told before this start */
  restore(entries: Iterable<ChosenAtStart>, diverged: Iterable<RegisterKey>): void {
    for (const key of diverged) this.diverged.add(key)
    for (const entry of entries) {
      this.add(entry.key, entry.digest, entry.bytes)
      if (isHiddenKey(entry.key)) this.hiddenHeld.push(entry.key)
    }
  }

  /** Keys that further types decided and the store held at the start. */
  get hiddenAtStart(): readonly RegisterKey[] {
    return this.hiddenHeld
  }

  /** The chosen record, if it is known here and may be served. */
  get(key: RegisterKey): ValueRecord | undefined {
    return this.diverged.has(key) ? undefined : this.registers.read(key)?.chosen
  }

  isDiverged(key: RegisterKey): boolean {
    return this.diverged.has(key)
  }

  /** True when what another peer lists is unknown here, or known as another record. */
  lacks(key: RegisterKey, digest: Uint8Array): boolean {
    const held = this.registers.read(key)?.chosen
    if (held === undefined) return true
    return !this.diverged.has(key) && !equalBytes(this.codec.recordDigest(this.sha256, key, held), digest)
  }

  /** Takes a record as the chosen one. Idempotent. */
  learn(key: RegisterKey, record: ValueRecord): void {
    const held = this.registers.read(key)?.chosen
    if (held === undefined) this.mark(key, record)
    else if (!equalRecords(held, record)) this.alarm(key, held, record)
  }

  private mark(key: RegisterKey, record: ValueRecord): void {
    if (!isConfigKey(key)) {
      const digest = this.codec.recordDigest(this.sha256, key, record)
      this.outbox.persist(chosenWrite(key, record, digest))
      this.add(key, digest, utf8Length(key) + record.value.length)
    }
    this.listener.learned(key, record)
  }

  private add(key: RegisterKey, digest: Uint8Array, bytes: number): void {
    this.tree.add(key, digest)
    if (isHiddenKey(key)) this.hidden += 1
    else this.totalBytes += bytes
  }

  private alarm(key: RegisterKey, held: ValueRecord, told: ValueRecord): void {
    if (this.diverged.has(key)) return
    this.diverged.add(key)
    this.outbox.persist(divergedWrite(key, told))
    this.outbox.note({ kind: 'divergence', key, held, told })
  }
}
