/**
 * A store as a model: lists that items are appended to. What it holds is the journal of what was
 * applied, so that it can lose its end, be copied, and be compared with the log. Position, effect
 * and outcome of an entry are one record of the journal.
 */
import { createHash } from 'node:crypto'
import { CHECK_DIGEST_BYTES } from '../../../protocols/log/limits.ts'
import { ORIGIN } from '../../../protocols/log/entry.ts'
import type { Entry, Position, SubmitId } from '../../../protocols/log/entry.ts'
import type { Applied, StoreAt } from '../../../protocols/log/events.ts'
import type { Membership } from '../../../protocols/log/membership.ts'
import type { StoreOutcome } from '../../../protocols/log/outcome.ts'

/** What clients order. */
export interface Command {
  readonly list: string
  readonly item: string
  /** The store refuses it, everywhere alike. */
  readonly isWrong: boolean
}

export interface Record {
  readonly position: Position
  readonly atMs: number
  readonly members: Membership | undefined
  readonly submitId: SubmitId | undefined
  readonly command: string
  readonly outcome: StoreOutcome
  /** What it changed; undefined when nothing. */
  readonly effect: Command | undefined
  /** Its name is remembered from here on. */
  readonly isNamed: boolean
}

/** Names of commands are remembered for so many entries. */
const NAMES_KEPT = 30
const NOTHING = new Uint8Array()
const DONE: StoreOutcome = { kind: 'done', result: NOTHING }

export class ModelStore {
  journal: Record[] = []
  /** What survives a power loss. */
  durableIndex = 0
  private ids = new Map<SubmitId, Record>()
  private readonly firstMembers: Membership

  constructor(firstMembers: Membership) {
    this.firstMembers = firstMembers
  }

  get position(): Position {
    return this.journal.at(-1)?.position ?? ORIGIN
  }

  at(): StoreAt {
    const members = this.journal.findLast((each) => each.members !== undefined)?.members ?? this.firstMembers
    return { position: this.position, members, atMs: this.journal.at(-1)?.atMs ?? 0, durableIndex: this.durableIndex }
  }

  /**
   * One transaction. @param verdicts codes by index. @returns what came of each, those that were
   * there before included
   */
  apply(entries: readonly Entry[], verdicts: ReadonlyMap<number, string>): Applied[] {
    return entries.map((entry) => {
      const { term, index } = entry
      if (index > this.position.index) this.add(entry, verdicts.get(index))
      const record = this.journal[index - 1] as Record
      return { position: { term, index }, outcome: record.outcome }
    })
  }

  list(name: string): string[] {
    return this.journal.flatMap(({ effect }) => (effect?.list === name ? [effect.item] : []))
  }

  /** Of all that it holds, whatever the slice: 32 hexadecimal digits. */
  digest(): string {
    const text = JSON.stringify(this.journal.map(({ outcome, effect }) => [outcome.kind, effect ?? null]))
    return createHash('sha256')
      .update(text)
      .digest('hex')
      .slice(0, 2 * CHECK_DIGEST_BYTES)
  }

  /** Drops the end. */
  cut(index: number): void {
    this.become(this.journal.slice(0, index))
  }

  /** Holds this and nothing else, on disk. */
  become(journal: readonly Record[]): void {
    this.journal = [...journal]
    this.durableIndex = this.position.index
    this.ids = new Map()
    for (const record of this.journal) this.remember(record)
  }

  private add({ term, index, atMs, body }: Entry, verdict: string | undefined): void {
    if (index !== this.position.index + 1) throw new Error(`entry ${index} applied upon ${this.position.index}`)
    const text = body.kind === 'command' ? new TextDecoder().decode(body.command) : ''
    const submitId = body.kind === 'command' ? body.submitId : undefined
    const command = text === '' ? undefined : (JSON.parse(text) as Command)
    const since = body.kind === 'command' ? body.since : 0
    const judged = this.judge({ index, submitId, since, text }, command, verdict)
    const members = body.kind === 'members' ? body.members : undefined
    const record = { position: { term, index }, atMs, members, submitId, command: text, ...judged }
    this.journal.push(record)
    this.remember(record)
  }

  private judge(
    { index, submitId, since, text }: { index: number; submitId: SubmitId | undefined; since: number; text: string },
    command: Command | undefined,
    verdict: string | undefined,
  ): Pick<Record, 'outcome' | 'effect' | 'isNamed'> {
    const first = submitId === undefined ? undefined : this.ids.get(submitId)
    const forgottenIndex = index - NAMES_KEPT
    const without = { effect: undefined, isNamed: false }
    if (first !== undefined && first.position.index > forgottenIndex)
      return { outcome: first.command === text ? first.outcome : { kind: 'reused' }, ...without }
    if (since > 0 && since < forgottenIndex) return { outcome: { kind: 'forgotten' }, ...without }
    const isNamed = submitId !== undefined
    const code = verdict ?? (command?.isWrong === true ? 'wrong' : undefined)
    if (code !== undefined) return { outcome: { kind: 'rejected', class: 'model', code, isPartial: false }, effect: undefined, isNamed }
    return { outcome: DONE, effect: command, isNamed }
  }

  private remember(record: Record): void {
    const { isNamed, submitId } = record
    if (submitId !== undefined && isNamed) this.ids.set(submitId, record)
  }
}
