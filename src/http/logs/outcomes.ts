/**
 * From what became of a request of logs to its answer: total, so that a new outcome without a
 * status does not compile.
 */
import { unreachable } from '../../../protocols/base/assert.ts'
import type { Identity } from '../../../protocols/base/identity.ts'
import { allMembers, firstMembers } from '../../../protocols/log/membership.ts'
import type { Position } from '../../../protocols/log/entry.ts'
import type { LogView, ReplicaView } from '../../../protocols/log/requests.ts'
import { utf8 } from '../../bytes.ts'
import type { ChangeAnswer, CreateAnswer, QueryAnswer, RoleAnswer, StatusAnswer, SubmitAnswer } from '../../ports/logs.ts'
import { json, text } from '../answers.ts'
import type { Answer } from '../answers.ts'
import { problem } from '../problems.ts'
import type { ProblemExtensions } from '../problems.ts'
import { SINCE_HEADER } from './query.ts'

const JSON_TYPE = 'application/json'
const NEVER = 'It is not ordered, and never will be by this request.'

/** @param submitId that the command went by, so that it can be sent again by it */
export function submitAnswerTo(answer: SubmitAnswer, submitId: string): Answer {
  if (answer.kind === 'unknown-log' || answer.kind === 'log-ended') return gone(answer)
  const told = outcomeOf(answer, submitId)
  if (answer.since !== undefined && answer.since > 0) told.headers.push(SINCE_HEADER, String(answer.since))
  return told
}

function outcomeOf(answer: Exclude<SubmitAnswer, { readonly kind: 'unknown-log' | 'log-ended' }>, submitId: string): Answer {
  switch (answer.kind) {
    case 'outcome':
      return storeOutcomeOf(answer)
    case 'not-ordered':
      return notOrdered(answer.why)
    case 'in-doubt':
      return problem(
        'in-doubt',
        'The time ran out, or an earlier try is under way. Send the command again, at any peer, with the submitId as Idempotency-Key: it takes effect once.',
        { submitId },
      )
    default:
      return unreachable(answer)
  }
}

function storeOutcomeOf({ position, outcome }: Extract<SubmitAnswer, { readonly kind: 'outcome' }>): Answer {
  switch (outcome.kind) {
    case 'done':
      return found(position, outcome.result, true)
    case 'rejected': {
      const { class: named, code, isPartial } = outcome
      const facts: ProblemExtensions = { class: named, code, ...flat(position), ...(isPartial && { partial: true }) }
      const effect = isPartial ? 'what it did before that stays, the same at every replica' : 'has no effect'
      return problem('rejected', `The store refuses the command: ${code}. It is in the log, and ${effect}.`, facts)
    }
    case 'reused':
      return problem(
        'idempotency-key-reused',
        'This Idempotency-Key named another command of this log. Nothing took effect.',
        flat(position),
      )
    case 'forgotten':
      return problem(
        'outcome-forgotten',
        'Whether an earlier try of this command took effect is not remembered any more. It has none now.',
        flat(position),
      )
    default:
      return unreachable(outcome)
  }
}

function notOrdered(why: Extract<SubmitAnswer, { readonly kind: 'not-ordered' }>['why']): Answer {
  switch (why) {
    case 'too-large':
      return problem('too-large', `The command may have at most 1048576 bytes. ${NEVER}`)
    case 'overloaded':
      return problem('overloaded', `Too many commands wait for the stores. ${NEVER}`)
    case 'stalled':
      return problem('stalled', `The store of the leader cannot apply what comes next. ${NEVER}`)
    case 'no-leader':
      return problem('not-ordered', `No leader was found in time. ${NEVER}`)
    case 'leader-changed':
      return problem('not-ordered', `The leader changed. ${NEVER}`)
    default:
      return unreachable(why)
  }
}

export function queryAnswerTo(answer: QueryAnswer): Answer {
  switch (answer.kind) {
    case 'answered':
      return found(answer.position, answer.result, false)
    case 'not-a-query':
      return problem('not-a-query', `The store does not take this as a query: ${answer.detail}.`)
    case 'result-too-large':
      return problem('too-large', 'What the query finds is more than 16 MiB: ask for less at once.')
    case 'unavailable':
      return problem(
        'unavailable',
        answer.why === 'stalled' ? 'The store here cannot serve now.' : 'No majority of the log was reached in time.',
      )
    case 'unknown-log':
    case 'log-ended':
      return gone(answer)
    default:
      return unreachable(answer)
  }
}

export function createAnswerTo(answer: CreateAnswer): Answer {
  switch (answer.kind) {
    case 'created':
      return json(answer.isNew ? 201 : 200, logOf(answer.log))
    case 'exists':
      return problem('log-exists', `The log was born with the store ${answer.log.store} and the place ${answer.log.place}.`, {
        store: answer.log.store,
        place: answer.log.place,
      })
    case 'bad-place':
      return problem('bad-body', `The place will not do: ${answer.detail}.`)
    case 'not-ready':
      return problem('not-ready', `${answer.detail}. No log is born.`)
    default:
      return unreachable(answer)
  }
}

export function changeAnswerTo(answer: ChangeAnswer): Answer {
  switch (answer.kind) {
    case 'changing':
      return json(202, { changing: true })
    case 'changed':
      return json(200, { changing: false })
    case 'not-changed':
      return notChanged(answer.why)
    case 'unavailable':
      return problem('unavailable', 'The leader of the log was not reached in time. Nothing is known to be changed.')
    case 'bad-place':
      return problem('bad-body', `The place will not do: ${answer.detail}.`)
    case 'not-refilled':
      return problem('change-refused', `${NO_REFILL[answer.why]} Nothing was changed.`)
    case 'not-ready':
      return problem('not-ready', `${answer.detail}. It may take effect later.`)
    case 'ended':
      return json(200, { ended: true })
    case 'recovered':
      return recovered(answer)
    case 'not-recovered':
      return problem('change-refused', `${NO_RECOVERY[answer.why]} Nothing was changed.`)
    case 'unknown-peer':
      return problem('change-refused', `${answer.peer} is not known here, or has no part in the log. Nothing was changed.`)
    case 'unknown-log':
    case 'log-ended':
      return gone(answer)
    default:
      return unreachable(answer)
  }
}

const NO_RECOVERY = {
  'has-leader': 'Somebody leads the log, so a majority of its voters is there. This is for a majority that is gone for good.',
  'no-survivor': 'No peer in touch has a store of the log that can go on.',
} as const

/** What each survivor held when it was asked, and who goes on. */
function recovered({ generation, survivor, replicas }: Extract<ChangeAnswer, { readonly kind: 'recovered' }>): Answer {
  const held = replicas.map(({ peer, state, last: { term, index }, applied }) => ({ peer: peer.peerId, state, term, index, applied }))
  return json(202, { generation, survivor: survivor.peerId, replicas: held })
}

const NO_REFILL = {
  'no-store': 'This peer holds no store of the log.',
  'no-source': 'No other store of the log that is ready has as much as this one, so none could fill it.',
} as const

const WHY_NOT: Readonly<Record<Extract<ChangeAnswer, { readonly kind: 'not-changed' }>['why'], string>> = {
  'not-leader': 'The lead has just passed on: ask again.',
  'not-begun': 'The leader has just begun: ask again.',
  'change-in-flight': 'Another change of the members, or of the lead, is under way.',
  unreachable: 'A majority of the members after the change is not in touch.',
  'too-many-voters': 'A log has 7 voters at most.',
  'no-voters': 'The change would leave no voter.',
  'given-up': 'It took too long and was given up.',
  'applied-somewhere': 'A member may have applied the entry.',
  'no-store-left': 'Every store that serves would leave with its member, and nobody could fill those that stay.',
}

function notChanged(why: keyof typeof WHY_NOT): Answer {
  const detail = `${WHY_NOT[why]} Nothing was changed.`
  if (why === 'change-in-flight') return problem('change-in-flight', detail)
  return problem(why === 'not-leader' || why === 'not-begun' || why === 'given-up' ? 'not-ready' : 'change-refused', detail)
}

export function statusAnswerTo(answer: StatusAnswer): Answer {
  if (answer.kind === 'unknown-log' || answer.kind === 'log-ended') return gone(answer)
  const { log, replicas } = answer
  const commit = Math.max(0, ...replicas.map((each) => each.commit))
  return json(200, {
    ...logOf(log),
    leader: leaderIn(replicas)?.peerId ?? null,
    term: Math.max(0, ...replicas.map(({ term }) => term)),
    commit,
    changing: log.isChanging,
    generation: Math.max(0, ...replicas.map(({ generation }) => generation)),
    replicas: replicas.map((each) => replicaOf(each, commit)),
  })
}

/** Who leads, by the newest replica that knows. */
export function leaderIn(replicas: readonly ReplicaView[]): Identity | undefined {
  return replicas.filter(({ leader }) => leader !== undefined).toSorted((a, b) => b.term - a.term)[0]?.leader
}

export function roleAnswerTo(answer: RoleAnswer, isWrite: boolean): Answer {
  if (answer.kind === 'unknown-log' || answer.kind === 'log-ended') return gone(answer)
  const { own, isInTouch } = answer
  if (own === undefined) return problem('unavailable', 'This peer holds no replica of the log.')
  const leader = own.leader?.peerId ?? ''
  const told = isWrite && own.role !== 'leader' ? forbidden() : roleOf(own, isInTouch)
  told.headers.push('Replicator-Role', own.role)
  if (leader !== '') told.headers.push('Replicator-Leader', leader)
  return told
}

function forbidden(): Answer {
  return problem('forbidden', 'This replica does not lead: a proxy that asks sends writes to the one that does.')
}

function roleOf(own: ReplicaView, isInTouch: boolean): Answer {
  if (own.state !== 'ready')
    return problem('stalled', `The replica here is not ready: ${own.state}${own.code === '' ? '' : `, ${own.code}`}.`)
  if (!isInTouch) return problem('unavailable', 'The replica here is not in touch with a leader.')
  return json(200, { role: own.role, leader: own.leader?.peerId ?? null })
}

/** A log as lists show it. */
export function logOf({ name, logId, store, place, voters, learners, isLeased, own }: LogView): Record<string, unknown> {
  const members = allMembers(firstMembers(voters, learners))
  return {
    name,
    logId,
    store,
    place,
    lease: isLeased,
    members: members.map(({ id, peerId }) => ({ peer: peerId, role: voters.some((voter) => voter.id === id) ? 'voter' : 'learner' })),
    role: own?.role ?? null,
  }
}

function replicaOf(
  { peer, role, state, term, last, commit, applied, code, digest }: ReplicaView,
  commitMax: number,
): Record<string, unknown> {
  return {
    peer: peer.peerId,
    role,
    state,
    term,
    last: { term: last.term, index: last.index },
    commit,
    applied,
    lag: Math.max(0, commitMax - applied),
    stalled: code === '' ? null : code,
    digest: digest === '' ? null : digest,
  }
}

function found(position: Position, result: Uint8Array, isOutcome: boolean): Answer {
  const value = result.length === 0 ? 'null' : utf8.decode(result)
  return text(
    200,
    JSON_TYPE,
    `{"position":${JSON.stringify(positionOf(position))},${isOutcome ? '"outcome":"done",' : ''}"result":${value}}`,
  )
}

/** A problem holds no objects but the ones that each may have. */
function flat(position: Position): ProblemExtensions {
  return { position: positionOf(position) }
}

/** No leader of ours has the term 0: Kafka orders what is there, and counts from 0. */
function positionOf({ term, index }: Position): { readonly term: number; readonly index: number; readonly offset?: number } {
  return { term, index, ...(term === 0 && index > 0 && { offset: index - 1 }) }
}

function gone({ kind }: { readonly kind: 'unknown-log' | 'log-ended' }): Answer {
  if (kind === 'log-ended')
    return problem('log-ended', 'The log of this name has ended. Creating it anew begins its next life, which is empty.')
  return problem('unknown-log', 'No log of this name is known here: GET /logs tells which are.')
}
