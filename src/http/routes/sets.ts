/** `/sets`: elements that converge. And the port of `-lww`, which serves one set at its root. */
import type { SetAnswerOf, Sets } from '../../ports/sets.ts'
import { opens } from '../../security/grant.ts'
import { json } from '../answers.ts'
import { EVENT_STREAM_TYPE } from '../event-stream.ts'
import type { Exchange } from '../exchange.ts'
import { ALWAYS, contentOf, headerOf, headerParameter, jsonOf, problems, queryParameter, TIMEOUT } from '../openapi-parts.ts'
import type { Part } from '../openapi-parts.ts'
import type { ProblemName } from '../problems.ts'
import { reading } from '../reading.ts'
import type { Route, RouteGroup, RouteMethod } from '../route.ts'
import { count, list, object, text } from '../schemas.ts'
import { JSON_TYPE, TRANSIT_TYPE } from '../sets/bodies.ts'
import { CLOCK_HEADER, SHIFT_HEADER } from '../sets/clocks.ts'
import { SetHandlers } from '../sets/handlers.ts'
import { SETS_PREFIX, setOfPath } from '../sets/names.ts'
import { watchSet } from '../sets/watch.ts'

type ToSet = (exchange: Exchange, set: string) => void

/** Everything of sets, by their names. */
export function setRoutes(sets: Sets): RouteGroup {
  const handlers = new SetHandlers(sets, false)
  const named =
    (handle: ToSet): RouteMethod['handle'] =>
    (exchange) => {
      const set = setOfPath(exchange)
      if (set !== undefined) handle(exchange, set)
    }
  const base = `${SETS_PREFIX}{name}/`
  const rows: readonly Route[] = [
    { path: '/sets', isList: true, methods: reading({ ...LIST, handle: (exchange) => listSets(exchange, sets) }) },
    ...rowsOf(base, handlers, named),
    { path: `${base}contains`, methods: reading({ ...CONTAINS, handle: named((exchange, set) => handlers.contains(exchange, set)) }) },
    { path: `${base}watch`, methods: reading({ ...WATCH, handle: named((exchange, set) => watchSet(exchange, sets, set)) }) },
  ]
  return { routes: rows.map((row) => (row.isList === true ? row : { ...row, parameters: [NAME] })), schemas: SCHEMAS }
}

/**
 * One set at the root, as the system does that this one takes in: it is there before anything was
 * inserted.
 */
export function lwwRoutes(sets: Sets, set: string): readonly Route[] {
  const handlers = new SetHandlers(sets, true)
  const fixed =
    (handle: ToSet): RouteMethod['handle'] =>
    (exchange) =>
      handle(exchange, set)
  return rowsOf('/', handlers, fixed).map((row) => ({ ...row, standsFor: `${SETS_PREFIX}${set}${row.path}` }))
}

/** What a set is read and changed by, at whatever path it lives. */
function rowsOf(base: string, handlers: SetHandlers, of: (handle: ToSet) => RouteMethod['handle']): readonly Route[] {
  const change = (kind: 'insert' | 'delete'): RouteMethod => ({
    scope: 'write',
    handle: of((exchange, set) => handlers.change(exchange, kind, set)),
    operation: changeOperation(kind),
  })
  return [
    { path: base, methods: reading({ ...MEMBERS, handle: of((exchange, set) => handlers.members(exchange, set)) }) },
    { path: `${base}insert`, methods: { POST: change('insert') } },
    { path: `${base}delete`, methods: { POST: change('delete') } },
    { path: `${base}updates`, methods: reading({ ...UPDATES, handle: of((exchange, set) => handlers.updates(exchange, set)) }) },
    {
      path: `${base}update`,
      methods: { POST: { scope: 'write', handle: of((exchange, set) => handlers.update(exchange, set)), operation: UPDATE } },
    },
  ]
}

function listSets(exchange: Exchange, sets: Sets): void {
  exchange.follow(sets.ask({ kind: 'list' }, 0, exchange.signal), 0, (outcome) => {
    const { grant } = exchange
    const shown = outcome.sets.filter(({ set }) => grant === undefined || opens(grant, `${SETS_PREFIX}${set}/`))
    exchange.send(json(200, { sets: shown.map(viewOf) }))
  })
}

function viewOf({ set, memberCount, entryCount, equality, cut }: SetAnswerOf<'sets'>['sets'][number]): Record<string, unknown> {
  return { name: set, members: memberCount, elements: entryCount, peers: equality, cut: cut.number }
}

/** As `isSetName` has it, without a look ahead, which not every reader of this knows. */
const SET_NAME_PATTERN = '^([.]{0,2}[A-Za-z0-9_-][A-Za-z0-9._-]*|[.]{3}[A-Za-z0-9._-]*)$'
const MILLISECONDS = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER }

const NAME: Part = {
  name: 'name',
  in: 'path',
  required: true,
  description: '1 to 64 of letters, digits, `.`, `_`, `-`',
  schema: { type: 'string', minLength: 1, maxLength: 64, pattern: SET_NAME_PATTERN },
}

const READ_PROBLEMS: readonly ProblemName[] = ['bad-name', 'bad-parameter', 'unknown-set', 'overloaded']
const CHANGE_PROBLEMS: readonly ProblemName[] = [
  'bad-name',
  'bad-parameter',
  'bad-header',
  'bad-body',
  'bad-stamp',
  'forbidden',
  'body-timeout',
  'too-many-sets',
  'too-large',
  'unsupported-encoding',
  'unsupported-media-type',
  'not-ready',
  'clock-off',
  'overloaded',
  'in-doubt',
  ...ALWAYS,
]

const CURSOR = { 'Replicator-Cursor': headerOf(), 'Cache-Control': headerOf('no-store'), Vary: headerOf('Accept') }
const AFTER = queryParameter('after', 'A cursor, as `Replicator-Cursor` or an event gave it: what changed behind it', { type: 'string' })

const LIST = {
  scope: 'read',
  operationId: 'listSets',
  summary: 'The sets here',
  responses: { 200: jsonOf('Each with how many members it has and whether the peers that were heard lately hold the same', 'Sets') },
} as const

const MEMBERS = {
  scope: 'read',
  operationId: 'readSet',
  summary: 'The members of a set',
  responses: {
    200: {
      description: 'A set of transit, or an array of JSON, by `Accept`. The cursor is one to go on from',
      headers: CURSOR,
      content: { [TRANSIT_TYPE]: { schema: {} }, [JSON_TYPE]: { schema: list({}) } },
    },
  },
  refusals: READ_PROBLEMS,
} as const

const UPDATES = {
  scope: 'read',
  operationId: 'readUpdates',
  summary: 'What changed since a stamp, or behind a cursor',
  parameters: [
    queryParameter('since', 'A stamp in milliseconds: what has one above it. What arrives late with an old stamp is missed', {
      type: 'integer',
      minimum: 0,
    }),
    AFTER,
  ],
  responses: {
    200: {
      description: 'A replica, by `Accept`. Where a cursor was given, the next one comes with it',
      headers: CURSOR,
      content: { [TRANSIT_TYPE]: { schema: {} }, [JSON_TYPE]: { schema: { $ref: '#/components/schemas/Replica' } } },
    },
  },
  refusals: [...READ_PROBLEMS, 'cursor-gone'],
} as const

const CONTAINS = {
  scope: 'read',
  operationId: 'containsElement',
  summary: 'Whether an element is a member',
  parameters: [{ ...queryParameter('element', 'As transit writes it: `11`, `"foo"`, `"~:keyword"`', { type: 'string' }), required: true }],
  responses: { 200: jsonOf('It is, with both of its stamps; a 404 tells them too', 'SetEntry') },
  refusals: ['bad-name', 'bad-parameter', 'unknown-element'],
} as const

const WATCH = {
  scope: 'read',
  operationId: 'watchSet',
  summary: 'Changes of a set as they become visible here: events `insert` and `delete`, each with an entry, its id a cursor',
  parameters: [AFTER, headerParameter('Last-Event-ID', 'A cursor, before `after`')],
  responses: { 200: contentOf('The events. After `cursor-gone`, which is the last one, start over', EVENT_STREAM_TYPE) },
  refusals: [...READ_PROBLEMS, 'cursor-gone', 'not-ready'],
} as const

const WAIT = queryParameter('wait', 'Answer once it is on the disks of a majority of the voters here, or of most clusters', {
  type: 'string',
  enum: ['cluster', 'network'],
})

function changeOperation(kind: 'insert' | 'delete'): Part {
  return {
    operationId: `${kind}Elements`,
    summary: kind === 'insert' ? 'Make elements members' : 'Make elements members no more',
    parameters: [WAIT, TIMEOUT],
    requestBody: bodyOf(list({}), list({})),
    responses: {
      200: contentOf('`ok`: it is on the disk of this peer, and spreads by itself', 'text/plain'),
      ...problems(CHANGE_PROBLEMS, false, {}),
    },
  }
}

const UPDATE: Part = {
  operationId: 'mergeReplica',
  summary: 'Merge what was done elsewhere, with stamps of its own',
  parameters: [
    WAIT,
    TIMEOUT,
    headerParameter(
      CLOCK_HEADER,
      'What the clock of the client shows now, in milliseconds: its stamps are moved by the difference',
      MILLISECONDS,
    ),
    headerParameter(SHIFT_HEADER, 'In a retry, in place of the clock: what the first answer said', {
      ...MILLISECONDS,
      minimum: Number.MIN_SAFE_INTEGER,
    }),
  ],
  requestBody: bodyOf({ $ref: '#/components/schemas/Replica' }, {}),
  responses: {
    200: {
      ...contentOf('`ok`: it is on the disk of this peer, and spreads by itself', 'text/plain'),
      headers: { 'Cache-Control': headerOf('no-store'), [SHIFT_HEADER]: headerOf() },
    },
    ...problems(CHANGE_PROBLEMS, false, {}),
  },
}

/** @param transit of the same as transit writes it, in JSON */
function bodyOf(schema: Part, transit: Part): Part {
  return { required: true, content: { [TRANSIT_TYPE]: { schema: transit }, [JSON_TYPE]: { schema } } }
}

const stamp: Part = { type: ['integer', 'null'], description: 'Milliseconds; null for none' }
const pairs: Part = { type: 'array', items: { ...list({}), minItems: 2, maxItems: 2 }, description: 'An element and its stamp each' }

const SCHEMAS: RouteGroup['schemas'] = {
  Sets: object({
    sets: list(
      object({
        name: text,
        members: count,
        elements: { ...count, description: 'Members, and elements whose removal is remembered' },
        peers: { type: 'string', enum: ['equal', 'different', 'unknown'] },
        cut: { ...count, description: 'How often removals were forgotten' },
      }),
    ),
  }),
  SetEntry: object({ element: {}, added: stamp, removed: stamp }),
  Replica: { ...object({}, { 'add-set': pairs, 'del-set': pairs }), additionalProperties: false },
}
