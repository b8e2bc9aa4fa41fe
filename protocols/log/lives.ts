/**
 * Which logs there are, by the write-once keys that say so: births, generations and ends, in
 * whatever order they come to be known here. A log that ended never comes back by itself: creating
 * it anew is its next life, under a key of its own.
 */
import type { Utf8 } from '../base/bytes.ts'
import { readBirth, readLogKey } from './birth.ts'
import type { Birth, LogKey } from './birth.ts'

interface Life {
  readonly name: string
  readonly number: number
  /** By generation. */
  readonly records: Map<number, Birth>
  /** As its newest generation has it; undefined while only its end is known. */
  record: Birth | undefined
  isEnded: boolean
}

/** All lives of one name. */
interface Lived {
  readonly lives: Map<number, Life>
  /** The newest of which anything is known. */
  newest: Life
}

/** What became known: `changed` names the log it is about, `unreadable` was written by a later build. */
export type News = { readonly kind: 'changed' | 'unreadable' | 'nothing'; readonly name: string }

export class Lives {
  private readonly utf8: Utf8
  private readonly byName = new Map<string, Lived>()
  /** By the id of the log: commands that others ask for name no other. */
  private readonly byId = new Map<string, Life>()

  constructor(utf8: Utf8) {
    this.utf8 = utf8
  }

  /** A key is known here from now on. */
  take(key: string, value: Uint8Array): News {
    const read = readLogKey(key)
    if (read === undefined) return { kind: 'nothing', name: key }
    const { name } = read
    const life = this.life(read)
    if (read.kind === 'end') {
      const isNews = !life.isEnded
      life.isEnded = true
      return { kind: isNews ? 'changed' : 'nothing', name }
    }
    if (life.records.has(read.generation)) return { kind: 'nothing', name }
    const record = readBirth(name, read.life, value, this.utf8)
    if (record === undefined) return { kind: 'unreadable', name }
    life.records.set(read.generation, record)
    if (life.record === undefined || read.generation > life.record.generation) life.record = record
    this.byId.set(record.logId, life)
    return { kind: 'changed', name }
  }

  /** Each log that goes on, as its newest generation has it. */
  get all(): readonly Birth[] {
    return [...this.byName.keys()].flatMap((name) => this.get(name) ?? [])
  }

  /** Undefined where none was born, or its newest life has ended. */
  get(name: string): Birth | undefined {
    const newest = this.newest(name)
    return newest?.isEnded === false ? newest.record : undefined
  }

  /** True when a log of that name was born and has ended. */
  isEnded(name: string): boolean {
    return this.newest(name)?.isEnded === true
  }

  /** The life that a log of that name has, or had last; 0 where none was ever born. */
  lifeOf(name: string): number {
    return this.newest(name)?.number ?? 0
  }

  /** Logs of that name whose rows and replicas nobody needs any more. */
  past(name: string): readonly Birth[] {
    const lives = [...(this.byName.get(name)?.lives.values() ?? [])]
    return lives.flatMap(({ record }) => (record !== undefined && this.isPast(record.logId) ? [record] : []))
  }

  get names(): Iterable<string> {
    return this.byName.keys()
  }

  /** True when a log of that id was known here, and has ended. */
  isPast(logId: string): boolean {
    const life = this.byId.get(logId)
    return life !== undefined && this.get(life.name)?.logId !== logId
  }

  private newest(name: string): Life | undefined {
    return this.byName.get(name)?.newest
  }

  private life({ name, life: number }: LogKey): Life {
    const lived = this.byName.get(name)
    const known = lived?.lives.get(number)
    if (known !== undefined) return known
    const life: Life = { name, number, records: new Map(), record: undefined, isEnded: false }
    if (lived === undefined) this.byName.set(name, { lives: new Map([[number, life]]), newest: life })
    else {
      lived.lives.set(number, life)
      if (number > lived.newest.number) lived.newest = life
    }
    return life
  }
}
