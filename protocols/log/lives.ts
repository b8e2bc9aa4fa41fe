/**
 * Which logs there are, by the write-once keys that say so: births, generations and ends, in
 * whatever order they come to be known here. A log that ended never comes back by itself: creating
 * it anew is its next life, under a key of its own.
 */
import type { Utf8 } from '../base/bytes.ts'
import { readBirth, readLogKey } from './birth.ts'
import type { Birth, LogKey } from './birth.ts'

interface Life {
  /** By generation. */
  readonly records: Map<number, Birth>
  isEnded: boolean
}

/** What became known: `changed` names the log it is about, `unreadable` was written by a later build. */
export type News = { readonly kind: 'changed' | 'unreadable' | 'nothing'; readonly name: string }

export class Lives {
  private readonly utf8: Utf8
  private readonly byName = new Map<string, Map<number, Life>>()

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
    return { kind: 'changed', name }
  }

  /** Each log that goes on, as its newest generation has it. */
  get all(): readonly Birth[] {
    return [...this.byName.keys()].flatMap((name) => this.get(name) ?? [])
  }

  /** Undefined where none was born, or its newest life has ended. */
  get(name: string): Birth | undefined {
    const newest = this.newest(name)
    return newest === undefined || newest[1].isEnded ? undefined : recordOf(newest[1])
  }

  /** True when a log of that name was born and has ended. */
  isEnded(name: string): boolean {
    return this.newest(name)?.[1].isEnded === true
  }

  /** The life that a log of that name has, or had last; 0 where none was ever born. */
  lifeOf(name: string): number {
    return this.newest(name)?.[0] ?? 0
  }

  /** Logs of that name whose rows and replicas nobody needs any more. */
  past(name: string): readonly Birth[] {
    const logId = this.get(name)?.logId
    const lives = [...(this.byName.get(name)?.values() ?? [])]
    return lives.flatMap((life) => recordOf(life) ?? []).filter((record) => record.logId !== logId)
  }

  get names(): Iterable<string> {
    return this.byName.keys()
  }

  /** True when a log of that id was known here, and has ended. */
  isPast(logId: string): boolean {
    return [...this.byName.keys()].some((name) => this.past(name).some((record) => record.logId === logId))
  }

  /** Its newest life of which anything is known. */
  private newest(name: string): readonly [number, Life] | undefined {
    return [...(this.byName.get(name) ?? [])].toSorted(([a], [b]) => b - a)[0]
  }

  private life({ name, life: number }: LogKey): Life {
    let lives = this.byName.get(name)
    if (lives === undefined) this.byName.set(name, (lives = new Map()))
    let life = lives.get(number)
    if (life === undefined) lives.set(number, (life = { records: new Map(), isEnded: false }))
    return life
  }
}

function recordOf({ records }: Life): Birth | undefined {
  return records.get(Math.max(...records.keys()))
}
