/**
 * What is done for each request of sets. The same handlers serve the paths below `/sets/` and those
 * of a port that serves one set at its root.
 */
import type { Request as ExpressRequest } from 'express'
import { shiftOf } from '../../../protocols/sets/stamps.ts'
import type { SetAnswerOf, Sets } from '../../ports/sets.ts'
import { readElementsInTurns, readReplicaInTurns } from '../../transit/documents.ts'
import type { Form } from '../../transit/transit-text.ts'
import { membersDocument, replicaDocument } from '../../transit/writing.ts'
import type { Answer } from '../answers.ts'
import type { Exchange } from '../exchange.ts'
import { queryOf } from '../target.ts'
import { JSON_TYPE, takeBody, TRANSIT_TYPE } from './bodies.ts'
import { readClock } from './clocks.ts'
import { changeAnswerTo, containsAnswerTo, cursorGone, noSet } from './outcomes.ts'
import { parseChangeQuery, parseContainsQuery, parseUpdatesQuery } from './query.ts'

/**
 * A list is of references, so that it does not change while it is read; each counts for so much.
 */
const REFERENCE_BYTES = 8
const NO_CURSOR: readonly string[] = []

/** Handlers over the sets of a peer. */
export class SetHandlers {
  readonly #sets: Sets
  /** A set that nobody has changed yet is an empty one, and not unknown. */
  readonly #isAlwaysThere: boolean

  /** @param isAlwaysThere whether reads of a set that nobody has changed yet find an empty one */
  constructor(sets: Sets, isAlwaysThere: boolean) {
    this.#sets = sets
    this.#isAlwaysThere = isAlwaysThere
  }

  members(exchange: Exchange, set: string): void {
    if (!exchange.enter()) return
    exchange.follow(this.#sets.ask({ kind: 'members', set }, 0, exchange.signal), 0, (outcome) => {
      const form = formOf(exchange)
      if (outcome.kind === 'no-set') return this.#absent(exchange, set, form, membersDocument([], form))
      send(exchange, form, outcome, membersDocument(outcome.elements, form))
    })
  }

  updates(exchange: Exchange, set: string): void {
    const query = parseUpdatesQuery(queryOf(exchange.request))
    if ('parameter' in query) return exchange.refuse('bad-parameter', query.detail, { parameter: query.parameter })
    if (!exchange.enter()) return
    const asked =
      'since' in query
        ? this.#sets.ask({ kind: 'updates-since', set, since: query.since }, 0, exchange.signal)
        : this.#sets.ask({ kind: 'updates-after', set, after: query.after }, 0, exchange.signal)
    exchange.follow<SetAnswerOf<'updates' | 'no-set' | 'cursor-gone'>>(asked, 0, (outcome) => {
      const form = formOf(exchange)
      if (outcome.kind === 'cursor-gone') return exchange.send(cursorGone(outcome))
      if (outcome.kind === 'no-set') return this.#absent(exchange, set, form, replicaDocument([], form))
      send(exchange, form, outcome, replicaDocument(outcome.entries, form))
    })
  }

  contains(exchange: Exchange, set: string): void {
    const query = parseContainsQuery(queryOf(exchange.request))
    if ('parameter' in query) return exchange.refuse('bad-parameter', query.detail, { parameter: query.parameter })
    const { element } = query
    exchange.follow(this.#sets.ask({ kind: 'contains', set, element }, 0, exchange.signal), 0, (outcome) =>
      exchange.send(containsAnswerTo(outcome, element)),
    )
  }

  change(exchange: Exchange, kind: 'insert' | 'delete', set: string): void {
    const query = parseChangeQuery(queryOf(exchange.request))
    if ('parameter' in query) return exchange.refuse('bad-parameter', query.detail, { parameter: query.parameter })
    const { wait, timeoutMs } = query
    takeBody(exchange, readElementsInTurns, (elements) => {
      if (elements.length === 0) return exchange.send(changeAnswerTo({ kind: 'stored', shiftMs: 0 }, false))
      const work = this.#sets.ask({ kind, set, elements, wait }, timeoutMs, exchange.signal)
      exchange.follow(work, timeoutMs, (outcome) => exchange.send(changeAnswerTo(outcome, false)))
    })
  }

  update(exchange: Exchange, set: string): void {
    const query = parseChangeQuery(queryOf(exchange.request))
    if ('parameter' in query) return exchange.refuse('bad-parameter', query.detail, { parameter: query.parameter })
    const clock = readClock(exchange.request.headers)
    if ('header' in clock) return exchange.refuse('bad-header', clock.detail, { header: clock.header })
    const { wait, timeoutMs } = query
    takeBody(exchange, readReplicaInTurns, (entries) => {
      if (entries.length === 0) {
        // Nothing to do, but a client may want to know how far its clock is off.
        return exchange.send(changeAnswerTo({ kind: 'stored', shiftMs: shiftOf(clock, exchange.context.clock.wallMs()) }, true))
      }
      const work = this.#sets.ask({ kind: 'update', set, entries, clock, wait }, timeoutMs, exchange.signal)
      exchange.follow(work, timeoutMs, (outcome) => exchange.send(changeAnswerTo(outcome, true)))
    })
  }

  #absent(exchange: Exchange, set: string, form: Form, empty: Iterable<string>): void {
    if (this.#isAlwaysThere) send(exchange, form, { count: 0, cursor: undefined }, empty)
    else exchange.send(noSet(set))
  }
}

/** What a list comes as: JSON for whoever would rather have that, transit for everybody else. */
function formOf({ request }: Exchange): Form {
  return (request as ExpressRequest).accepts([TRANSIT_TYPE, JSON_TYPE]) === JSON_TYPE ? 'json' : 'transit'
}

function send(
  exchange: Exchange,
  form: Form,
  { count, cursor }: { readonly count: number; readonly cursor: string | undefined },
  parts: Iterable<string>,
): void {
  const stream = exchange.stream(head(form, cursor), count * REFERENCE_BYTES)
  if (stream !== undefined) exchange.follow(stream.writeAll(parts), 0, () => undefined)
}

function head(form: Form, cursor: string | undefined): Pick<Answer, 'status' | 'headers'> {
  const type = form === 'transit' ? TRANSIT_TYPE : JSON_TYPE
  const headers = ['Content-Type', type, 'Cache-Control', 'no-store', 'Vary', 'Accept']
  return { status: 200, headers: [...headers, ...(cursor === undefined ? NO_CURSOR : ['Replicator-Cursor', cursor])] }
}
