/**
 * Whether a history is linearizable: Wing and Gong's search (1993) for an order of the operations
 * that a single write-once register could have gone through, with Lowe's memory (2017) of the sets
 * of operations and states it has been in already.
 *
 * It shares nothing with the rules of `write-once.ts` but the history. A put in doubt has no end:
 * it may take effect at any time after it began, or never.
 */
import type { Operation } from './history.ts'

export type Verdict = 'linearizable' | 'not linearizable' | 'undecided'

/** Steps of the search before it gives up: about a second. */
const STEPS_MAX = 1_000_000
const BITS_PER_WORD = 16

/** What the register holds; undefined while it holds nothing. */
type State = { readonly writeId: string; readonly etag: string; readonly createdUntilMs: number } | undefined

/**
 * The register does what the operation says: the state after it. Undefined where it could not have
 * answered so.
 */
type Step = { readonly state: State } | undefined

interface Entry {
  readonly operation: Operation
  readonly index: number
  readonly atMs: number
  /** Of a call: its end, undefined when it has none. */
  readonly end: Entry | undefined
  readonly isCall: boolean
  before: Entry | undefined
  after: Entry | undefined
}

interface Choice {
  readonly entry: Entry
  /** Before it. */
  readonly state: State
  readonly isChange: boolean
}

/**
 * @param operations all of one key, in any order
 * @param stepsMax bound of the search
 */
export function checkLinearizable(operations: readonly Operation[], stepsMax: number = STEPS_MAX): Verdict {
  const answered = operations.filter((operation) => isTelling(operation))
  const telling = answered.filter((operation) => operation.answer.kind !== 'in-doubt' || isToldOf(operation, answered))
  const head = linked(entriesOf(telling))
  const taken = new Uint16Array(Math.ceil(telling.length / BITS_PER_WORD))
  const seen = new Set<string>()
  const choices: Choice[] = []
  let missing = telling.filter(({ answer }) => answer.kind !== 'in-doubt').length
  let state: State
  let entry = head.after
  for (let steps = 0; missing > 0; steps += 1) {
    if (steps > stepsMax) return 'undecided'
    const next = entry?.isCall === true ? tryStep(entry, state, taken, seen) : undefined
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
      // down to the last choice that changed the register, for what only looks at it may as well
      // come as early as it can.
      let choice: Choice | undefined
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
function tryStep(entry: Entry, state: State, taken: Uint16Array, seen: Set<string>): Step {
  const next = step(state, entry.operation)
  if (next === undefined || (entry.end === undefined && next.state === state)) return undefined
  flip(taken, entry.index)
  const place = `${next.state?.writeId} ${next.state?.etag} ${next.state?.createdUntilMs} ${String.fromCharCode(...taken)}`
  flip(taken, entry.index)
  if (seen.has(place)) return undefined
  seen.add(place)
  return next
}

/** The register itself. */
function step(state: State, { call, answer, beganMs, endedMs }: Operation): Step {
  if (call.kind === 'get') {
    const isSo = answer.kind === 'found' ? state?.etag === answer.etag : state === undefined
    return isSo ? { state } : undefined
  }
  const { writeId, etag } = call
  const isMine = state?.writeId === writeId
  switch (answer.kind) {
    case 'created':
      if (answer.etag !== etag) return undefined
      if (state === undefined) return { state: { writeId, etag, createdUntilMs: endedMs } }
      // Two tries of one put at the same time may both be told that they stored it.
      return isMine && state.etag === etag && beganMs <= state.createdUntilMs ? { state } : undefined
    case 'stored-before':
      return isMine && state?.etag === etag && answer.etag === etag ? { state } : undefined
    case 'conflict':
      return state !== undefined && !isMine && state.etag === answer.etag ? { state } : undefined
    case 'reused':
      return isMine && state?.etag !== etag ? { state } : undefined
    case 'in-doubt':
      return { state: state ?? { writeId, etag, createdUntilMs: Number.NEGATIVE_INFINITY } }
    default:
      return undefined
  }
}

/**
 * Whether the operation changes the register, or tells of it. A local miss does not, nor what was
 * never begun or never answered.
 */
function isTelling({ call, answer }: Operation): boolean {
  if (answer.kind === 'absent') return call.kind === 'get' && call.consistency === 'linearizable'
  return answer.kind !== 'unknown' && answer.kind !== 'refused' && answer.kind !== 'not-stored'
}

/**
 * Whether any answer can come of a put in doubt; one that nobody speaks of is as well left out, for
 * it may never have taken effect.
 */
function isToldOf({ call }: Operation, answered: readonly Operation[]): boolean {
  if (call.kind === 'get') return true
  return answered.some(({ call: other, answer }) => {
    if (answer.kind === 'reused') return other.kind === 'put' && other.writeId === call.writeId
    return 'etag' in answer && answer.etag === call.etag
  })
}

/**
 * Calls and ends by their times; of two at the same time the call comes first, for then they
 * overlap.
 */
function entriesOf(operations: readonly Operation[]): Entry[] {
  const entries = operations.flatMap((operation, index) => {
    const { beganMs, endedMs, answer } = operation
    const common = { operation, index, before: undefined, after: undefined }
    if (answer.kind === 'in-doubt') return [{ ...common, atMs: beganMs, end: undefined, isCall: true }]
    const end: Entry = { ...common, atMs: endedMs, end: undefined, isCall: false }
    return [{ ...common, atMs: beganMs, end, isCall: true }, end]
  })
  return entries.sort((a, b) => a.atMs - b.atMs || Number(b.isCall) - Number(a.isCall))
}

/** Links the entries behind a head that is none of them. */
function linked(entries: readonly Entry[]): { after: Entry | undefined } {
  const nothing: Operation = {
    key: '',
    peer: '',
    call: { kind: 'get', consistency: 'local' },
    beganMs: 0,
    endedMs: 0,
    answer: { kind: 'unknown' },
    told: '',
  }
  const head: Entry = { operation: nothing, index: -1, atMs: -1, end: undefined, isCall: false, before: undefined, after: undefined }
  let last = head
  for (const entry of entries) {
    last.after = entry
    entry.before = last
    last = entry
  }
  return head
}

function lift(entry: Entry): void {
  unlink(entry)
  if (entry.end !== undefined) unlink(entry.end)
}

/** In the other order than lifting, so that each finds its neighbours as it left them. */
function unlift(entry: Entry): void {
  if (entry.end !== undefined) relink(entry.end)
  relink(entry)
}

function unlink(entry: Entry): void {
  if (entry.before !== undefined) entry.before.after = entry.after
  if (entry.after !== undefined) entry.after.before = entry.before
}

function relink(entry: Entry): void {
  if (entry.before !== undefined) entry.before.after = entry
  if (entry.after !== undefined) entry.after.before = entry
}

function flip(taken: Uint16Array, index: number): void {
  const word = Math.floor(index / BITS_PER_WORD)
  taken[word] = (taken[word] ?? 0) ^ (1 << (index % BITS_PER_WORD))
}
