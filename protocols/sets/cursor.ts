/**
 * Where a reader of changes stands: the store that numbered them, and the number. Another store
 * numbers its changes otherwise, so a cursor of it is refused, however alike its number is.
 */
import type { Incarnation } from '../base/identity.ts'

const FORM = /^([0-9a-f]{32})\.([0-9]{1,16})$/

export function cursorText(incarnation: Incarnation, number: number): string {
  return `${incarnation}.${number}`
}

/** @returns the number; undefined when it is no cursor of this store */
export function numberOfCursor(text: string, incarnation: Incarnation): number | undefined {
  const [, store, number] = FORM.exec(text) ?? []
  if (store !== incarnation || number === undefined) return undefined
  const value = Number(number)
  return Number.isSafeInteger(value) ? value : undefined
}
