/**
 * What is shown of sets. Rows are never changed once made, so a list of them shows things as they
 * were.
 */
import type { Incarnation } from '../base/identity.ts'
import { cursorText, numberOfCursor } from './cursor.ts'
import { elementOfKey, keyOfElement } from './element.ts'
import { isMember } from './join.ts'
import { NO_STAMP } from './requests.ts'
import type { Element, Entry, SetAnswer, Stamp } from './requests.ts'
import type { Row, SetRows } from './rows.ts'
import type { Told } from './messages.ts'

export function entryOf({ key, added, removed }: Told): Entry {
  return { element: elementOfKey(key), added, removed }
}

export function membersOf(rows: SetRows, store: Incarnation): SetAnswer {
  const members = [...rows.all()].filter(isMember)
  return { kind: 'members', count: members.length, elements: lazily(members, elementOf), cursor: cursorText(store, rows.number) }
}

/** Operations whose stamp is above a time; those that came late may be of an earlier one. */
export function updatesSince(rows: SetRows, since: number): SetAnswer {
  const found = [...rows.all()].filter(({ added, removed }) => added > since || removed > since)
  const above = (stamp: Stamp): Stamp => (stamp > since ? stamp : NO_STAMP)
  const entry = (row: Row): Entry => ({ element: elementOfKey(row.key), added: above(row.added), removed: above(row.removed) })
  return { kind: 'updates', count: found.length, entries: lazily(found, entry), cursor: undefined }
}

export function updatesAfter(rows: SetRows, store: Incarnation, after: string | undefined): SetAnswer {
  const number = after === undefined ? rows.forgottenNumber : standing(rows, store, after)
  if (typeof number !== 'number') return number
  const found = rows.since(after === undefined ? 0 : number)
  return { kind: 'updates', count: found.length, entries: lazily(found, entryOf), cursor: cursorText(store, rows.number) }
}

/** The number of a cursor from which a reader can go on; else why it cannot. */
export function standing(rows: SetRows, store: Incarnation, cursor: string): number | Extract<SetAnswer, { kind: 'cursor-gone' }> {
  const number = numberOfCursor(cursor, store)
  if (number === undefined) return { kind: 'cursor-gone', detail: 'the cursor is not of this peer, or of a store that it had before' }
  if (number > rows.number) return { kind: 'cursor-gone', detail: 'the cursor lies ahead of what this peer holds' }
  if (number < rows.forgottenNumber) return { kind: 'cursor-gone', detail: 'a change above the cursor is forgotten' }
  return number
}

export function contained(rows: SetRows, element: Element): SetAnswer {
  const stamps = rows.stampsOf(keyOfElement(element))
  const { added, removed } = stamps
  return { kind: 'contained', isMember: isMember(stamps), entry: { element, added, removed } }
}

export function snapshotOf(rows: SetRows): SetAnswer {
  const all = [...rows.all()]
  return { kind: 'snapshot', count: all.length, entries: lazily(all, entryOf), cut: rows.cut }
}

/** The changes that rows are, in the order of their numbers. */
export function changesOf(rows: readonly Row[], store: Incarnation, cursor: string): Extract<SetAnswer, { kind: 'changes' }> {
  const changes = rows.map((row) => ({ entry: entryOf(row), cursor: cursorText(store, row.number) }))
  return { kind: 'changes', changes, cursor }
}

function elementOf(row: Row): Element {
  return elementOfKey(row.key)
}

/** What comes of each, made while it is walked. */
function lazily<From, To>(from: readonly From[], make: (one: From) => To): Iterable<To> {
  return {
    *[Symbol.iterator]() {
      for (const one of from) yield make(one)
    },
  }
}
