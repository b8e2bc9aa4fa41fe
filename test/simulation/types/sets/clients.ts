/**
 * What clients of sets are drawn to ask. Stamps that are far off, old or of the future are among
 * them, and clocks that are wrong.
 */
import { NO_STAMP } from '../../../../protocols/sets/requests.ts'
import type { ClientClock, Element, Entry, SetRequest, Wait } from '../../../../protocols/sets/requests.ts'
import type { Chance } from '../../chance.ts'

export const NAMES: readonly string[] = ['fleet', 'guests']
const ELEMENTS = 12
const INSERT_RATE = 0.4
const DELETE_RATE = 0.35
const WAIT_RATE = 0.2
/** Elements of one request, at most. */
const TOGETHER_MAX = 3
/** How far a client's own stamps lie back, at most; more than histories last in a run. */
const BACK_MS = 6_000
/** Stamps that are refused for being ahead lie so far ahead. */
const AHEAD_MS = 61_000
const AHEAD_RATE = 0.08
/** How wrong the clocks of some clients are. */
const CLOCK_WRONG_MS = 3_600_000

export type ChangeRequest = Extract<SetRequest, { readonly kind: 'insert' | 'delete' | 'update' }>

export function elementAt(index: number): Element {
  return new TextEncoder().encode(`element ${index}`)
}

/** @param wallMs the right time */
export function drawChange(chance: Chance, wallMs: number): ChangeRequest {
  const set = chance.pick(NAMES)
  const wait: Wait = chance.happens(WAIT_RATE) ? chance.pick(['cluster', 'network'] as const) : 'here'
  const draw = chance.number()
  const elements = drawElements(chance)
  if (draw < INSERT_RATE) return { kind: 'insert', set, elements, wait }
  if (draw < INSERT_RATE + DELETE_RATE) return { kind: 'delete', set, elements, wait }
  const clock = drawClock(chance, wallMs)
  const wrongMs = clock.kind === 'shows' ? clock.nowMs - wallMs : clock.kind === 'shifted' ? -clock.byMs : 0
  const entries = elements.map((element): Entry => {
    const aheadMs = chance.happens(AHEAD_RATE) ? AHEAD_MS : -chance.span(0, BACK_MS)
    const stamp = Math.floor(wallMs + wrongMs + aheadMs)
    return chance.happens(0.5) ? { element, added: stamp, removed: NO_STAMP } : { element, added: NO_STAMP, removed: stamp }
  })
  return { kind: 'update', set, entries, clock, wait }
}

function drawElements(chance: Chance): Element[] {
  const count = 1 + chance.below(TOGETHER_MAX)
  return [...new Set(Array.from({ length: count }, () => chance.below(ELEMENTS)))].map(elementAt)
}

function drawClock(chance: Chance, wallMs: number): ClientClock {
  const draw = chance.below(3)
  const wrongMs = Math.floor(chance.span(-CLOCK_WRONG_MS, CLOCK_WRONG_MS))
  if (draw === 0) return { kind: 'right' }
  return draw === 1 ? { kind: 'shows', nowMs: Math.floor(wallMs) + wrongMs } : { kind: 'shifted', byMs: wrongMs }
}
