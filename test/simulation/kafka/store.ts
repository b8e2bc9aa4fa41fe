/**
 * A simulated store of SQL under a log that Kafka orders: a journal of what was applied. Each batch
 * is there as a whole or not at all.
 */
import { previousIndexOf } from '../../../protocols/log/entry.ts'
import type { Entry, SubmitId } from '../../../protocols/log/entry.ts'
import type { Applied } from '../../../protocols/log/events.ts'
import type { KafkaStoreAt } from '../../../protocols/log/kafka/events.ts'
import type { StoreOutcome } from '../../../protocols/log/outcome.ts'
import { utf8 } from '../../../src/bytes.ts'
import { check } from '../checkers/violation.ts'

export interface Line {
  readonly index: number
  readonly term: number
  readonly atMs: number
  readonly recordHash: Uint8Array
  readonly submitId: SubmitId | undefined
  readonly command: string
  readonly outcome: StoreOutcome
  /** What it added; undefined where nothing took effect. */
  readonly item: string | undefined
}

const NOTHING = new Uint8Array()
const DONE: StoreOutcome = { kind: 'done', result: utf8.encode('null') }

export class JournalStore {
  journal: Line[] = []
  /** What the make of this server cannot do. */
  readonly isPicky: boolean
  /** Of another make: it rejects what others take. */
  readonly isOdd: boolean

  constructor(isPicky: boolean, isOdd = false) {
    this.isPicky = isPicky
    this.isOdd = isOdd
  }

  /** It changes with the journal, in one transaction. */
  at: KafkaStoreAt = { index: 0, leaderEpoch: 0, atMs: 0, recordHash: NOTHING }

  get items(): readonly string[] {
    return this.journal.flatMap(({ item }) => (item === undefined ? [] : [item]))
  }

  outcomeOf({ submitId, command }: Extract<Entry['body'], { readonly kind: 'command' }>): StoreOutcome | undefined {
    const line = this.journal.find((each) => each.submitId === submitId)
    return line && (line.command === utf8.decode(command) ? line.outcome : { kind: 'reused' })
  }

  /** @returns undefined when it cannot, and has then done nothing */
  apply(entries: readonly Entry[], verdicts: ReadonlyMap<number, string>): readonly Applied[] | undefined {
    const cannot = (entry: Entry): boolean =>
      entry.index > this.at.index && this.isPicky && textOf(entry).includes('poison') && !verdicts.has(entry.index)
    if (entries.some(cannot)) return undefined
    return entries.map((entry) => {
      const { term, index } = entry
      if (index > this.at.index) this.add(entry, verdicts.get(index))
      const line = this.journal.find((each) => each.index === index)
      const isCommand = entry.body.kind === 'command'
      return { position: { term, index }, outcome: line?.outcome ?? (isCommand ? { kind: 'forgotten' } : DONE) }
    })
  }

  private add(entry: Entry, verdict: string | undefined): void {
    const { term, index, atMs, link } = entry
    check(previousIndexOf(entry) === this.at.index, 'G19', () => `entry ${index} is applied upon ${this.at.index}`)
    const command = textOf(entry)
    const submitId = entry.body.kind === 'command' ? entry.body.submitId : undefined
    const first = submitId && this.journal.find((line) => line.submitId === submitId)
    const recordHash = link?.recordHash ?? NOTHING
    const line = { index, term, atMs, recordHash, submitId, command }
    this.at = { index, leaderEpoch: term, atMs, recordHash }
    if (first !== undefined) {
      const outcome: StoreOutcome = first.command === command ? first.outcome : { kind: 'reused' }
      this.journal.push({ ...line, submitId: undefined, outcome, item: undefined })
      return
    }
    const isWrong = command.includes('wrong') || (this.isOdd && command.includes('odd'))
    const code = verdict ?? (isWrong ? 'wrong' : undefined)
    const outcome: StoreOutcome = code === undefined ? DONE : { kind: 'rejected', class: 'constraint', code, isPartial: false }
    this.journal.push({ ...line, outcome, item: code === undefined && command !== '' ? itemIn(command) : undefined })
  }
}

function textOf({ body }: Entry): string {
  return body.kind === 'command' ? utf8.decode(body.command) : ''
}

function itemIn(command: string): string {
  if (!command.startsWith('{')) return command
  return (JSON.parse(command) as { readonly command?: string }).command ?? command
}
