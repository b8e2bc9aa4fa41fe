/** `/kv`: registers, keys that change. */
import type { Registers } from '../../ports/registers.ts'
import { EVENT_STREAM_TYPE, lastEventIdOf } from '../event-stream.ts'
import type { Exchange } from '../exchange.ts'
import { grantedRanges } from '../listing.ts'
import {
  ALWAYS,
  BYTES,
  cachedFor,
  consistencyParameter,
  contentOf,
  headerOf,
  headerParameter,
  idempotencyKey,
  LIST_PARAMETERS,
  problems,
  queryParameter,
  TIMEOUT,
  VALUE_CONTENT,
  waitParameter,
} from '../openapi-parts.ts'
import type { Part } from '../openapi-parts.ts'
import type { ProblemName } from '../problems.ts'
import { reading } from '../reading.ts'
import type { RouteGroup } from '../route.ts'
import { count, list, object, text, time } from '../schemas.ts'
import { RegisterHandlers, REGISTERS_PREFIX } from '../registers/handlers.ts'
import { listRegisters } from '../registers/listing.ts'
import { parseListOrWatch } from '../registers/query.ts'
import { Unread } from '../registers/unread.ts'
import { VERSION_MAX } from '../registers/versions.ts'
import { watchRegisters } from '../registers/watch.ts'
import { queryOf } from '../target.ts'

/** @param valueBytesMax the largest value taken by this peer */
export function registerRoutes(registers: Registers, valueBytesMax: number): RouteGroup {
  const handlers = new RegisterHandlers(registers)
  const unread = new Unread()
  const read = (exchange: Exchange): void => handlers.read(exchange)
  return {
    routes: [
      {
        path: `${REGISTERS_PREFIX}{key}`,
        isRaw: true,
        parameters: [KEY],
        methods: {
          GET: { scope: 'read', handle: read, operation: readOperation(false) },
          HEAD: { scope: 'read', handle: read, operation: readOperation(true) },
          PUT: { scope: 'write', handle: (exchange) => handlers.put(exchange), operation: putOperation(valueBytesMax) },
          DELETE: { scope: 'write', handle: (exchange) => handlers.delete(exchange), operation: DELETE_OPERATION },
        },
      },
      { path: '/kv', isList: true, methods: reading({ ...LIST, handle: (exchange) => listOrWatch(exchange, registers, unread) }) },
    ],
    schemas: SCHEMAS,
  }
}

function listOrWatch(exchange: Exchange, registers: Registers, unread: Unread): void {
  const query = parseListOrWatch(queryOf(exchange.request), lastEventIdOf(exchange))
  if ('parameter' in query) return exchange.refuse('bad-parameter', query.detail, { parameter: query.parameter })
  if ('from' in query) return watchRegisters(exchange, registers, unread, query)
  if (!exchange.enter()) return
  const ranges = grantedRanges(exchange.grant?.prefixes, REGISTERS_PREFIX, query.prefix)
  exchange.follow(listRegisters(registers, ranges, query), 0, (answer) => exchange.send(answer))
}

const READ_PROBLEMS: readonly ProblemName[] = ['bad-key', 'bad-parameter', 'unknown-key', 'overloaded', 'unavailable', ...ALWAYS]
const WRITE_PROBLEMS: readonly ProblemName[] = [
  'bad-key',
  'bad-parameter',
  'bad-header',
  'forbidden',
  'body-timeout',
  'outcome-forgotten',
  'precondition-failed',
  'unsupported-encoding',
  'idempotency-key-reused',
  'not-applied',
  'not-ready',
  'overloaded',
  'in-doubt',
  ...ALWAYS,
]

const KEY: Part = {
  name: 'key',
  in: 'path',
  required: true,
  description: 'As of `/store/{key}`: 1 to 1,024 bytes of UTF-8, percent-decoded once',
  schema: { type: 'string', minLength: 1 },
}

const VERSION_TAG = { ETag: { schema: { type: 'string', pattern: '^"[0-9]+"$' } } }

const READ_PARAMETERS: readonly Part[] = [
  TIMEOUT,
  consistencyParameter('which may be old'),
  waitParameter('a version above `newer` to be held here'),
  queryParameter('newer', 'Answer 304 for a version at or below this', {
    type: 'integer',
    minimum: 0,
    maximum: VERSION_MAX - 1,
    default: 0,
  }),
  headerParameter('If-None-Match', 'Entity tags: 304 when the version has one of them'),
]

/** An entity tag, weak or not. */
const TAG = '(W/)?"[!#-~]*"'

const WRITE_HEADERS: readonly Part[] = [
  headerParameter('If-Match', 'Versions as `ETag` tells them, with commas between, or `*`: one of them must be live', {
    type: 'string',
    pattern: `^( *\\* *| *${TAG} *(, *${TAG} *)*)$`,
  }),
  headerParameter('If-None-Match', '`*`: nothing live may be there', { type: 'string', pattern: '^ *\\* *$' }),
  idempotencyKey('Names this write: 1 to 128 visible ASCII characters. Whoever retries sends one'),
  headerParameter(
    'Replicator-After',
    'The version that was current at the first try. Whoever retries later than the next 16 writes sends it',
    { type: 'integer', minimum: 0, maximum: VERSION_MAX - 1 },
  ),
]

function readOperation(isHead: boolean): Part {
  const consistency = { 'Replicator-Consistency': { schema: { $ref: '#/components/schemas/Consistency' } } }
  const headers = {
    ...VERSION_TAG,
    'Replicator-Version': { schema: { type: 'integer' } },
    'Cache-Control': cachedFor('no-cache'),
    ...consistency,
  }
  return {
    operationId: isHead ? 'headRegister' : 'readRegister',
    summary: isHead ? 'Look at a register without its value' : 'Read a register',
    parameters: READ_PARAMETERS,
    responses: {
      200: {
        description: 'The value, with the content type it was put with',
        headers,
        ...(isHead ? {} : { content: { 'application/octet-stream': BYTES, '*/*': { schema: {} } } }),
      },
      304: { description: 'The version is one that the client has', headers },
      ...problems(READ_PROBLEMS, isHead, { 404: consistency }),
    },
  }
}

function putOperation(valueBytesMax: number): Part {
  const written = {
    headers: { ...VERSION_TAG, 'Cache-Control': headerOf('no-store'), 'Replicator-Repeated': headerOf('true') },
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Written' } } },
  }
  return {
    operationId: 'putRegister',
    summary: 'Write a register',
    parameters: [
      TIMEOUT,
      queryParameter('ttl', 'Seconds after which it is deleted', { type: 'integer', minimum: 1, maximum: 31_536_000 }),
      ...WRITE_HEADERS,
    ],
    requestBody: {
      required: false,
      description: `The value: 0 to ${valueBytesMax} bytes, kept as they are with their content type: these or any other, of at most 255 bytes, without *; application/octet-stream if none`,
      content: VALUE_CONTENT,
    },
    responses: {
      200: { description: 'Written over what was live. `Replicator-Repeated`: an earlier try had done so', ...written },
      201: { description: 'Written; nothing was live', ...written },
      ...problems(['too-large', ...WRITE_PROBLEMS], false, {}),
    },
  }
}

const DELETE_OPERATION: Part = {
  operationId: 'deleteRegister',
  summary: 'Delete a register',
  parameters: [TIMEOUT, ...WRITE_HEADERS],
  responses: {
    200: {
      description: 'Deleted',
      headers: { 'Cache-Control': headerOf('no-store'), 'Replicator-Repeated': headerOf('true') },
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Deleted' } } },
    },
    ...problems(['unknown-key', ...WRITE_PROBLEMS], false, {}),
  },
}

const LIST = {
  scope: 'read',
  operationId: 'listRegisters',
  summary: 'List the live registers that this peer holds, or watch them',
  parameters: [
    ...LIST_PARAMETERS,
    queryParameter('watch', 'Changes as they become visible here, as events `put` and `delete`, in place of a list', {
      type: 'string',
      maxLength: 0,
    }),
    queryParameter('cursor', 'Of a watch: go on behind this event', { type: 'string', maxLength: 128 }),
    queryParameter('from', 'Of a watch: `start` tells first what is live here', { type: 'string', enum: ['start', 'now'] }),
    queryParameter('values', 'Of a watch: events carry `contentType`, and `value` in base64', {
      type: 'string',
      enum: ['', 'true', 'false'],
    }),
    headerParameter('Last-Event-ID', 'Of a watch: a cursor, before `cursor`'),
  ],
  responses: {
    200: {
      ...contentOf('A page of registers, or the events', EVENT_STREAM_TYPE),
      content: { 'application/json': { schema: { $ref: '#/components/schemas/RegisterPage' } }, [EVENT_STREAM_TYPE]: {} },
    },
  },
  refusals: ['bad-parameter', 'overloaded', 'cursor-gone', 'not-ready'],
} as const

const SCHEMAS: RouteGroup['schemas'] = {
  Written: object({ key: text, version: count, size: count, writeId: text }),
  Deleted: object({ key: text, version: count }),
  RegisterPage: object(
    { keys: list(object({ key: text, version: count, size: count, writtenAt: time }, { expires: time })) },
    { next: { ...text, description: 'The `after` of the following page; absent on the last' } },
  ),
}
