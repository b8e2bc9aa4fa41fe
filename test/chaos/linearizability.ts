/**
 * Whether the history of a key is linearizable: whether there is an order of its operations that a
 * single write-once register could have gone through.
 *
 * It shares nothing with the rules of `write-once.ts` but the history. A put in doubt has no end:
 * it may take effect at any time after it began, or never.
 */
import type { Operation } from './history.ts'
import { searchOrder, STEPS_MAX } from './linear-order.ts'
import type { Verdict } from './linear-order.ts'

/** What the register holds; undefined while it holds nothing. */
type State = { readonly writeId: string; readonly etag: string; readonly createdUntilMs: number } | undefined

/**
 * The register does what the operation says: the state after it. Undefined where it could not have
 * answered so.
 */
type Step = { readonly state: State } | undefined

/**
 * @param operations all of one key, in any order
 * @param stepsMax bound of the search
 */
export function checkLinearizable(operations: readonly Operation[], stepsMax: number = STEPS_MAX): Verdict {
  const answered = operations.filter((operation) => isTelling(operation))
  const telling = answered.filter((operation) => operation.answer.kind !== 'in-doubt' || isToldOf(operation, answered))
  const calls = telling.map((operation) => {
    const { beganMs, endedMs, answer } = operation
    const end = answer.kind === 'in-doubt' ? undefined : endedMs
    return { beganMs, endedMs: end, step: (state: State) => step(state, operation) }
  })
  return searchOrder<State>(calls, undefined, (state) => `${state?.writeId} ${state?.etag} ${state?.createdUntilMs}`, stepsMax)
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
