/**
 * Clients that are told each change of a set once, in the order in which it became visible here.
 */
import type { Incarnation } from '../base/identity.ts'
import type { ClientId } from '../events.ts'
import { cursorText } from './cursor.ts'
import type { SetAnswer } from './requests.ts'
import type { Row, SetRows } from './rows.ts'
import { changesOf } from './views.ts'

/** Tells a client once all of the set that was written is on disk. */
export type TellWatcher = (client: ClientId, set: string, answer: SetAnswer, isLast: boolean) => void

export class Watchers {
  private readonly store: Incarnation
  private readonly tell: TellWatcher
  private readonly bySet = new Map<string, Set<ClientId>>()

  constructor(store: Incarnation, tell: TellWatcher) {
    this.store = store
    this.tell = tell
  }

  /** @param number of the change that the client knows last */
  begin(client: ClientId, rows: SetRows, number: number): void {
    const clients = this.bySet.get(rows.name) ?? new Set()
    this.bySet.set(rows.name, clients.add(client))
    this.tell(client, rows.name, changesOf(rows.since(number), this.store, cursorText(this.store, rows.number)), false)
  }

  changed(rows: SetRows, changed: readonly Row[]): void {
    const clients = this.bySet.get(rows.name)
    if (clients === undefined || clients.size === 0) return
    const answer = changesOf(changed, this.store, cursorText(this.store, rows.number))
    for (const client of clients) this.tell(client, rows.name, answer, false)
  }

  /**
   * What was told of the set does not hold any more, and not in the order of changes: all start
   * over.
   */
  startOver({ name }: SetRows): void {
    for (const client of this.bySet.get(name) ?? []) {
      this.tell(client, name, { kind: 'cursor-gone', detail: 'a later cut was taken over, which does not know some members' }, true)
    }
    this.bySet.delete(name)
  }

  cancel(client: ClientId): void {
    for (const [set, clients] of this.bySet) if (clients.delete(client) && clients.size === 0) this.bySet.delete(set)
  }
}
