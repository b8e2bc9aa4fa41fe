/**
 * The search for a linear order: Wing and Gong's (1993), with Lowe's memory (2017) of the sets of
 * operations and states it has been in already. What the operations do to what is asked is told by
 * their steps. Operations on different keys never hinder one another, so each key is searched by
 * itself (Horn and Kroening, Faster linearizability checking via P-compositionality, FORTE 2015).
 */

export type Verdict = 'linearizable' | 'not linearizable' | 'undecided'

/** Steps of the search before it gives up: about a second. */
export const STEPS_MAX = 1_000_000
const BITS_PER_WORD = 16

/** One operation of a history. */
export interface Call<State> {
  readonly beganMs: number
  /** Undefined where it may take effect at any time after it began, or never. */
  readonly endedMs: number | undefined
  /**
   * What is asked does as the operation says: the state after it, the very same where it changed
   * nothing. Undefined where it could not have answered so.
   */
  readonly step: (state: State) => { readonly state: State } | undefined
}

interface Entry<State> {
  readonly call: Call<State>
  readonly index: number
  readonly atMs: number
  /** Of a call: its end, undefined when it has none. */
  readonly end: Entry<State> | undefined
  readonly isCall: boolean
  before: Entry<State> | undefined
  after: Entry<State> | undefined
}

interface Choice<State> {
  readonly entry: Entry<State>
  /** Before it. */
  readonly state: State
  readonly isChange: boolean
}

/**
 * @param nameOf two states are the same when their names are
 * @param stepsMax bound of the search
 */
export function searchOrder<State>(
  calls: readonly Call<State>[],
  initial: State,
  nameOf: (state: State) => string,
  stepsMax: number = STEPS_MAX,
): Verdict {
  const head = linked(entriesOf(calls))
  const taken = new Uint16Array(Math.ceil(calls.length / BITS_PER_WORD))
  const seen = new Set<string>()
  const choices: Choice<State>[] = []
  let missing = calls.filter(({ endedMs }) => endedMs !== undefined).length
  let state = initial
  let entry = head.after
  for (let steps = 0; missing > 0; steps += 1) {
    if (steps > stepsMax) return 'undecided'
    const next = entry?.isCall === true ? tryStep(entry, state, taken, seen, nameOf) : undefined
    if (entry !== undefined && next !== undefined) {
      choices.push({ entry, state, isChange: next.state !== state })
      flip(taken, entry.index)
      lift(entry)
      if (entry.end !== undefined) missing -= 1
      state = next.state
      entry = head.after
    } else if (entry?.isCall === true) {
      entry = entry.after
    } else {
      // An operation ended here, and must have come before: what was chosen last is taken back,
      // down to the last choice that changed something, for what only looks may as well come as
      // early as it can.
      let choice: Choice<State> | undefined
      do {
        choice = choices.pop()
        if (choice === undefined) return 'not linearizable'
        flip(taken, choice.entry.index)
        unlift(choice.entry)
        if (choice.entry.end !== undefined) missing += 1
      } while (!choice.isChange)
      state = choice.state
      entry = choice.entry.after
    }
  }
  return 'linearizable'
}

/**
 * The step of a call, unless it cannot be, changes nothing that an open end would have to, or leads
 * where the search has been.
 */
function tryStep<State>(
  entry: Entry<State>,
  state: State,
  taken: Uint16Array,
  seen: Set<string>,
  nameOf: (state: State) => string,
): { readonly state: State } | undefined {
  const next = entry.call.step(state)
  if (next === undefined || (entry.end === undefined && next.state === state)) return undefined
  flip(taken, entry.index)
  const place = `${nameOf(next.state)} ${String.fromCharCode(...taken)}`
  flip(taken, entry.index)
  if (seen.has(place)) return undefined
  seen.add(place)
  return next
}

/**
 * Calls and ends by their times; of two at the same time the call comes first, for then they
 * overlap.
 */
function entriesOf<State>(calls: readonly Call<State>[]): Entry<State>[] {
  const entries = calls.flatMap((call, index) => {
    const { beganMs, endedMs } = call
    const common = { call, index, before: undefined, after: undefined }
    if (endedMs === undefined) return [{ ...common, atMs: beganMs, end: undefined, isCall: true }]
    const end: Entry<State> = { ...common, atMs: endedMs, end: undefined, isCall: false }
    return [{ ...common, atMs: beganMs, end, isCall: true }, end]
  })
  return entries.sort((a, b) => a.atMs - b.atMs || Number(b.isCall) - Number(a.isCall))
}

/** Links the entries behind a head that is none of them. */
function linked<State>(entries: readonly Entry<State>[]): { after: Entry<State> | undefined } {
  const nothing: Call<State> = { beganMs: 0, endedMs: undefined, step: () => undefined }
  const head: Entry<State> = { call: nothing, index: -1, atMs: -1, end: undefined, isCall: false, before: undefined, after: undefined }
  let last = head
  for (const entry of entries) {
    last.after = entry
    entry.before = last
    last = entry
  }
  return head
}

function lift<State>(entry: Entry<State>): void {
  unlink(entry)
  if (entry.end !== undefined) unlink(entry.end)
}

/** In the other order than lifting, so that each finds its neighbours as it left them. */
function unlift<State>(entry: Entry<State>): void {
  if (entry.end !== undefined) relink(entry.end)
  relink(entry)
}

function unlink<State>(entry: Entry<State>): void {
  if (entry.before !== undefined) entry.before.after = entry.after
  if (entry.after !== undefined) entry.after.before = entry.before
}

function relink<State>(entry: Entry<State>): void {
  if (entry.before !== undefined) entry.before.after = entry
  if (entry.after !== undefined) entry.after.before = entry
}

function flip(taken: Uint16Array, index: number): void {
  const word = Math.floor(index / BITS_PER_WORD)
  taken[word] = (taken[word] ?? 0) ^ (1 << (index % BITS_PER_WORD))
}
