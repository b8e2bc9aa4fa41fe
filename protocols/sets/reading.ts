/**
 * What clients read of sets. What is shown is on this peer's disk by then, so that nobody is shown
 * what a crash would undo.
 */
import type { ClientId } from '../events.ts'
import type { SetsContext } from './context.ts'
import type { Holdings } from './holdings.ts'
import type { Equality, SetAnswer, SetRequest, SetView } from './requests.ts'
import type { SetRows } from './rows.ts'
import { contained, membersOf, snapshotOf, standing, updatesAfter, updatesSince } from './views.ts'
import type { Watchers } from './watchers.ts'
import type { Operation } from './operations.ts'

type Question = Exclude<SetRequest, Operation>

export class Reading {
  private readonly context: SetsContext
  private readonly holdings: Holdings
  private readonly watchers: Watchers
  private readonly equality: () => Equality
  private readonly answer: (client: ClientId, answer: SetAnswer, set: string | undefined) => void

  /** @param answer tells the client once all that was written of the set is on disk */
  constructor(
    context: SetsContext,
    holdings: Holdings,
    watchers: Watchers,
    equality: () => Equality,
    answer: (client: ClientId, answer: SetAnswer, set: string | undefined) => void,
  ) {
    this.context = context
    this.holdings = holdings
    this.watchers = watchers
    this.equality = equality
    this.answer = answer
  }

  read(client: ClientId, question: Question): void {
    if (question.kind === 'list') return this.answer(client, { kind: 'sets', sets: this.views() }, undefined)
    const rows = this.holdings.get(question.set)
    if (rows === undefined) return this.answer(client, { kind: 'no-set' }, undefined)
    if (question.kind === 'watch') return this.watch(client, rows, question.after)
    this.answer(client, this.view(rows, question), rows.name)
  }

  /** All sets, in the order of their names. */
  views(): readonly SetView[] {
    const equality = this.equality()
    return [...this.holdings.all()]
      .map(({ name, memberCount, entryCount, cut }) => ({ set: name, memberCount, entryCount, equality, cut }))
      .toSorted((a, b) => (a.set < b.set ? -1 : 1))
  }

  private view(rows: SetRows, question: Exclude<Question, { readonly kind: 'list' | 'watch' }>): SetAnswer {
    const { incarnation } = this.context.self
    switch (question.kind) {
      case 'members':
        return membersOf(rows, incarnation)
      case 'updates-since':
        return updatesSince(rows, question.since)
      case 'updates-after':
        return updatesAfter(rows, incarnation, question.after)
      case 'contains':
        return contained(rows, question.element)
      case 'snapshot':
        return snapshotOf(rows)
    }
  }

  private watch(client: ClientId, rows: SetRows, after: string | undefined): void {
    const number = after === undefined ? rows.number : standing(rows, this.context.self.incarnation, after)
    if (typeof number !== 'number') return this.answer(client, number, rows.name)
    this.watchers.begin(client, rows, number)
  }
}
