/**
 * Whether the history of a register is linearizable: whether there is an order of its operations
 * that one register of versions could have gone through. All tries of one write are one operation,
 * because they carry one name.
 *
 * It shares nothing with the rules of `versions.ts` but the history. Of a write in doubt nobody
 * knows the version until something shows it: till then the register is at one not known yet.
 */
import { searchOrder, STEPS_MAX } from '../linear-order.ts'
import type { Call, Verdict } from '../linear-order.ts'
import { areAtOnce, isWrite, writesOf } from './history.ts'
import type { RegisterAnswer, RegisterOperation, When, Write } from './history.ts'

interface State {
  /** What is live; undefined for nothing. */
  readonly value: string | undefined
  /** The version, or where it is not known yet the lowest that it may be. */
  readonly version: number
  readonly isExact: boolean
}

const EMPTY: State = { value: undefined, version: 0, isExact: true }
/** A write whose tries contradict one another: no register does that. */
const IMPOSSIBLE = (): undefined => undefined

/** @param operations all of one register, in any order */
export function checkOrder(operations: readonly RegisterOperation[], stepsMax: number = STEPS_MAX): Verdict {
  const calls = operations.filter((operation) => !isWrite(operation)).flatMap(readCall)
  const writes = [...writesOf(operations).values()].map((tries) => ({ tries, call: writeCall(tries) }))
  const values = new Set(operations.flatMap(({ answer }) => (answer.kind === 'found' ? [answer.value] : [])))
  const all = [...calls, ...writes.flatMap(({ call }) => call)]
  // Most writes in doubt that nobody read need not have taken effect: first without those.
  const isNeeded = ({ tries, call }: (typeof writes)[number]): boolean =>
    call.some(({ endedMs }) => endedMs !== undefined) || values.has(tries[0]?.call.value ?? '')
  const fewer = [...calls, ...writes.filter(isNeeded).flatMap(({ call }) => call)]
  const verdict = searchOrder(fewer, EMPTY, nameOf, stepsMax)
  return verdict === 'linearizable' || fewer.length === all.length ? verdict : searchOrder(all, EMPTY, nameOf, stepsMax)
}

function nameOf({ value, version, isExact }: State): string {
  return `${value ?? '-'} ${version} ${isExact}`
}

/** None for a read that tells nothing. */
function readCall({ call, answer, beganMs, endedMs }: RegisterOperation): Call<State>[] {
  if (answer.kind === 'found') {
    // What is in a copy was chosen, and may be old: no read of a copy has its place in the order.
    if (call.kind !== 'get' || call.consistency === 'local') return []
    const { value, version } = answer
    return [{ beganMs, endedMs, step: (state) => (state.value === value ? at(state, version) : undefined) }]
  }
  if (answer.kind !== 'absent' || call.kind !== 'get' || call.consistency === 'local') return []
  return [{ beganMs, endedMs, step: (state) => (state.value === undefined ? { state } : undefined) }]
}

/** A write with all its tries; nothing for one of which nothing was begun. */
function writeCall(tries: readonly Write[]): Call<State>[] {
  const begun = tries.filter(({ answer }) => answer.kind !== 'refused' && answer.kind !== 'not-applied')
  const [first] = begun
  if (first === undefined) return []
  const { beganMs, call } = first
  const applied = begun.filter(({ answer }) => answer.kind === 'applied')
  const refused = begun.filter(({ answer }) => answer.kind === 'mismatch' || answer.kind === 'nothing')
  const versions = new Set(applied.map(({ answer }) => (answer.kind === 'applied' ? answer.version : 0)))
  const isContradicted = applied.length > 0 && refused.some((one) => !applied.some((other) => areAtOnce(one, other)))
  if (versions.size > 1 || isContradicted) return [{ beganMs, endedMs: first.endedMs, step: IMPOSSIBLE }]
  // Each refusal looked at the register within its own try.
  const refusals = refused.map((one): Call<State> => ({
    beganMs: one.beganMs,
    endedMs: one.endedMs,
    step: (state) => refusal(one, one.answer, state),
  }))
  if (applied.length > 0) {
    const [version = 0] = versions
    const endedMs = Math.min(...applied.map((one) => one.endedMs))
    return [
      ...refusals,
      {
        beganMs,
        endedMs,
        step: (state) => (version > state.version && meets(call.when, state, call.kind) ? written(call, version, true) : undefined),
      },
    ]
  }
  // A try at the same time that nobody heard the end of may be applied after the refusal.
  const open = begun.find((one) => one.answer.kind === 'in-doubt' && refused.every((other) => areAtOnce(one, other)))
  if (open === undefined && refused.length > 0) return refusals
  return [
    ...refusals,
    {
      beganMs: open?.beganMs ?? beganMs,
      endedMs: undefined,
      step: (state) => (meets(call.when, state, call.kind) ? written(call, state.version + 1, false) : undefined),
    },
  ]
}

function written({ kind, value }: Write['call'], version: number, isExact: boolean): { readonly state: State } {
  return { state: { value: kind === 'put' ? value : undefined, version, isExact } }
}

function refusal({ call }: Write, answer: RegisterAnswer, state: State): { readonly state: State } | undefined {
  if (answer.kind === 'nothing') return state.value === undefined ? { state } : undefined
  if (answer.kind !== 'mismatch') return undefined
  const { current } = answer
  if (current === 0) return state.value === undefined && call.when !== 'absent' && call.when !== undefined ? { state } : undefined
  if (state.value === undefined || call.when === current || call.when === 'live' || call.when === undefined) return undefined
  return at(state, current)
}

function meets(when: When, state: State, kind: 'put' | 'delete'): boolean {
  if (kind === 'delete' && state.value === undefined) return false
  if (when === undefined) return true
  if (when === 'absent') return state.value === undefined
  return state.value !== undefined && (when === 'live' || at(state, when) !== undefined)
}

/** The register is at a version: it was known to be, or may be. */
function at(state: State, version: number): { readonly state: State } | undefined {
  if (state.isExact) return state.version === version ? { state } : undefined
  return version >= state.version ? { state: { ...state, version, isExact: true } } : undefined
}
