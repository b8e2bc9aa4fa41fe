/**
 * From what became of a request of sets to its answer: one total mapping, so that a new outcome
 * without a status does not compile.
 */
import { unreachable } from '../../../protocols/base/assert.ts'
import { NO_STAMP } from '../../../protocols/sets/requests.ts'
import type { Entry } from '../../../protocols/sets/requests.ts'
import type { SetAnswersOf, SetAnswerOf } from '../../ports/sets.ts'
import { textOf } from '../../transit/writing.ts'
import { text } from '../answers.ts'
import type { Answer } from '../answers.ts'
import { problem } from '../problems.ts'

/** How much of an element a detail shows. */
const SHOWN_CHARACTERS = 80

/**
 * The answer to an insert, a delete or an update. @param tellsShift what was added to the client's
 * stamps
 */
export function changeAnswerTo(outcome: SetAnswersOf['update'], tellsShift: boolean): Answer {
  const answer = outcomeOf(outcome)
  if (tellsShift && 'shiftMs' in outcome) answer.headers.push('Replicator-Shift', String(outcome.shiftMs))
  return answer
}

/** To what a set that is not here is asked. */
export function noSet(set: string): Answer {
  return problem('unknown-set', `There is no set ${set} here. The first insert, delete or update makes it.`)
}

/** To a cursor that leads nowhere any more. */
export function cursorGone(outcome: SetAnswerOf<'cursor-gone'>): Answer {
  return problem('cursor-gone', `${sentence(outcome.detail)} Start over: read all of it, and go on from the cursor that comes with it.`)
}

/** Whether an element is a member, with both of its stamps. */
export function containsAnswerTo(outcome: SetAnswersOf['contains'], element: Uint8Array): Answer {
  const entry = outcome.kind === 'contained' ? outcome.entry : { added: NO_STAMP, removed: NO_STAMP }
  if (outcome.kind === 'contained' && outcome.isMember) return text(200, 'application/json', entryJson({ element, ...entry }))
  const stamps = { added: stampOf(entry.added), removed: stampOf(entry.removed) }
  return problem('unknown-element', 'The element is no member of the set here.', stamps)
}

/**
 * An entry as JSON. The element is not read and written anew: that would lose what is large or
 * exact of it.
 */
export function entryJson({ element, added, removed }: Entry): string {
  return `{"element":${textOf(element)},"added":${stampOf(added)},"removed":${stampOf(removed)}}`
}

function stampOf(stamp: number): number | null {
  return stamp === NO_STAMP ? null : stamp
}

function outcomeOf(outcome: SetAnswersOf['update']): Answer {
  switch (outcome.kind) {
    case 'stored':
      return text(200, 'text/plain', 'ok')
    case 'in-doubt':
      return problem('in-doubt', `It is stored here, and spreading. ${sentence(outcome.detail)}`)
    case 'bad-stamp':
      return badStamp(outcome)
    case 'clock-off':
      return problem(
        'clock-off',
        `The clock of this peer is ${Math.round(outcome.offByMs)} ms off those of the others, so it gives no stamps. Nothing was changed; ask another peer.`,
        { offByMs: Math.round(outcome.offByMs) },
      )
    case 'not-ready':
      return problem('not-ready', `${sentence(outcome.detail)} Nothing was changed.`)
    case 'too-many-sets':
      return problem('too-many-sets', 'There are as many sets as there may be, so this one cannot be made. Nothing was changed.')
    default:
      return unreachable(outcome)
  }
}

const WHY: Readonly<Record<SetAnswerOf<'bad-stamp'>['why'], string>> = {
  ahead: 'it is too far ahead of the clock of this peer',
  barred: 'what is so old may have been forgotten',
  'no-stamp': 'it is no stamp',
}

function badStamp({ entry, stamp, why, least, most }: SetAnswerOf<'bad-stamp'>): Answer {
  const element = textOf(entry.element)
  const shown = element.length > SHOWN_CHARACTERS ? `${element.slice(0, SHOWN_CHARACTERS)}…` : element
  const detail = `The stamp ${stamp} of ${shown} is refused: ${WHY[why]}. Stamps from ${least} to ${most} are taken now. Nothing was changed.`
  return problem('bad-stamp', detail, { stamp, least, most })
}

function sentence(detail: string): string {
  const first = detail.slice(0, 1).toUpperCase()
  return detail === '' ? '' : `${first}${detail.slice(1)}${/[.!?]$/.test(detail) ? '' : '.'}`
}
