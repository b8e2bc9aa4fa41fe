/** `/store`: write-once keys. */
import { parseKeyListQuery } from '../query.ts'
import type { Feed } from '../../ports/feed.ts'
import type { Answer } from '../answers.ts'
import { EVENT_STREAM_TYPE } from '../event-stream.ts'
import type { Exchange } from '../exchange.ts'
import { isWatch, watchKeys } from '../key-watch.ts'
import { countKeys } from '../counting.ts'
import { grantedRanges, listKeys, listingWithin } from '../listing.ts'
import {
  ALWAYS,
  BYTES,
  cachedFor,
  consistencyParameter,
  headerOf,
  headerParameter,
  idempotencyKey,
  jsonOf,
  LIST_PARAMETERS,
  problems,
  queryParameter,
  TIMEOUT,
  VALUE_CONTENT,
  waitParameter,
} from '../openapi-parts.ts'
import type { Part } from '../openapi-parts.ts'
import { problem } from '../problems.ts'
import type { ProblemName } from '../problems.ts'
import { reading } from '../reading.ts'
import { answering } from '../route.ts'
import type { RouteGroup } from '../route.ts'
import { count, list, object, tag, text, time } from '../schemas.ts'
import { getKey, putKey, STORE_PREFIX } from '../store.ts'
import { queryOf } from '../target.ts'

/**
 * @param valueBytesMax the largest value taken by this peer
 * @param feed undefined where nobody can watch keys
 */
export function keyRoutes(valueBytesMax: number, feed?: Feed): RouteGroup {
  return {
    routes: [
      {
        path: '/store/{key}',
        isRaw: true,
        parameters: [KEY],
        methods: {
          GET: { scope: 'read', handle: getKey, operation: getOperation(false) },
          HEAD: { scope: 'read', handle: getKey, operation: getOperation(true) },
          PUT: { scope: 'write', handle: putKey, operation: putOperation(valueBytesMax) },
        },
      },
      {
        path: '/store',
        isList: true,
        methods: reading({
          scope: 'read',
          handle: (exchange) => {
            const query = queryOf(exchange.request)
            if (feed !== undefined && isWatch(query)) return watchKeys(exchange, feed, STORE_PREFIX, query)
            if (exchange.enter()) answering(listOf)(exchange)
          },
          operationId: 'listKeys',
          summary: 'List the keys that this peer holds',
          parameters: feed === undefined ? KEY_LIST_PARAMETERS : [...KEY_LIST_PARAMETERS, ...WATCH_PARAMETERS],
          responses: { 200: feed === undefined ? KEY_PAGE : KEY_PAGE_OR_EVENTS },
          refusals: feed === undefined ? ['bad-parameter', 'overloaded'] : ['bad-parameter', 'overloaded', 'cursor-gone', 'not-ready'],
        }),
      },
    ],
    schemas: {
      Stored: object({ key: text, writeId: text, size: count, etag: tag, writtenAt: time }),
      KeyPage: object(
        {
          keys: list(
            object(
              { key: text, size: count, etag: tag, writtenAt: time },
              {
                contentType: { ...text, description: 'With `values`' },
                value: { ...text, description: 'With `values`, where the bytes are UTF-8' },
                valueBase64: { ...text, description: 'With `values`, where they are not' },
              },
            ),
          ),
        },
        {
          next: { ...text, description: 'The `after` of the following page; absent on the last' },
          count: { ...count, description: 'With `count`; no keys are told then' },
        },
      ),
    },
  }
}

function listOf(exchange: Exchange): Answer | Promise<Answer> {
  const query = parseKeyListQuery(queryOf(exchange.request))
  if ('parameter' in query) return problem('bad-parameter', query.detail, { parameter: query.parameter })
  const { replicator } = exchange.context
  if (query.count)
    return countKeys(replicator, grantedRanges(exchange.grant?.prefixes, STORE_PREFIX, query.prefix), query.after, exchange.signal)
  const source = listingWithin(replicator, exchange.grant?.prefixes, STORE_PREFIX, query.prefix)
  return listKeys(source, query, exchange.signal)
}

const GET_PROBLEMS: readonly ProblemName[] = ['bad-key', 'bad-parameter', 'unknown-key', 'overloaded', 'unavailable', ...ALWAYS]

const PUT_PROBLEMS: readonly ProblemName[] = [
  'bad-key',
  'bad-parameter',
  'bad-header',
  'forbidden',
  'body-timeout',
  'key-exists',
  'precondition-failed',
  'too-large',
  'unsupported-encoding',
  'idempotency-key-reused',
  'not-stored',
  'not-ready',
  'overloaded',
  'in-doubt',
  ...ALWAYS,
]

const KEY: Part = {
  name: 'key',
  in: 'path',
  required: true,
  description:
    '1 to 1,024 bytes of UTF-8, percent-decoded once: `a%2Fb` and `a/b` are one key, `+` is a plus. It may contain slashes, encoded or not, doubled or trailing; ' +
    'but not U+0000, and no segment `.` or `..`.',
  schema: { type: 'string', minLength: 1 },
}

const GET_PARAMETERS: readonly Part[] = [
  TIMEOUT,
  consistencyParameter('whose 404 may be stale'),
  waitParameter('the key to be known here before 404'),
  headerParameter('If-None-Match', 'Entity tags: 304 when the stored value has one of them'),
]

const KEY_LIST_PARAMETERS: readonly Part[] = [
  ...LIST_PARAMETERS,
  queryParameter('values', 'Values are told too. A page then ends after 4 MiB of them', { type: 'boolean', default: false }),
  queryParameter('count', 'Their number is told, and not the keys, however many they are; it does not go with `values`', {
    type: 'boolean',
    default: false,
  }),
]

const WATCH_PARAMETERS: readonly Part[] = [
  {
    ...queryParameter(
      'watch',
      'Without a value: keys with the `prefix` as they become known at this peer, as server-sent events `put`, from now on or from `cursor`. It goes with these two alone.',
      { type: 'string', const: '' },
    ),
    allowEmptyValue: true,
  },
  queryParameter(
    'cursor',
    'Of `watch`: the `id` of the last event that was read, at this peer; the header Last-Event-ID counts before it',
    {
      type: 'string',
      maxLength: 128,
    },
  ),
]

const KEY_PAGE = jsonOf('A page of keys; with `count`, their number', 'KeyPage')
const KEY_PAGE_OR_EVENTS: Part = {
  ...KEY_PAGE,
  description:
    'A page of keys; with `count`, their number; with `watch`, events. After `cursor-gone`, which is the last one, list and start over',
  content: { ...(KEY_PAGE['content'] as Part), [EVENT_STREAM_TYPE]: {} },
}

const PUT_PARAMETERS: readonly Part[] = [
  TIMEOUT,
  idempotencyKey(
    'Names this put of this key for as long as the key lives: 1 to 128 visible ASCII characters, quotes around it not counted. Whoever retries sends one.',
  ),
  headerParameter('If-Match', 'The key must be stored already: 412 when it is absent, and 409 when it is there, for it never changes'),
]

function getOperation(isHead: boolean): Part {
  const value = isHead ? {} : { content: { 'application/octet-stream': BYTES, '*/*': { schema: {} } } }
  const consistency = { 'Replicator-Consistency': { schema: { $ref: '#/components/schemas/Consistency' } } }
  const kept = {
    ETag: { schema: { $ref: '#/components/schemas/EntityTag' } },
    'Last-Modified': headerOf(),
    'Cache-Control': cachedFor('max-age=31536000, immutable'),
    ...consistency,
    'X-Content-Type-Options': headerOf('nosniff'),
    'Content-Security-Policy': headerOf('sandbox'),
  }
  const responses = problems(GET_PROBLEMS, isHead, { 404: consistency })
  return {
    operationId: isHead ? 'headKey' : 'getKey',
    summary: isHead ? 'Look at a key without its value' : 'Read a key',
    parameters: GET_PARAMETERS,
    responses: {
      200: { description: 'The value, with the content type it was put with', headers: kept, ...value },
      304: { description: 'The value is one that the client has', headers: kept },
      ...responses,
    },
  }
}

function putOperation(valueBytesMax: number): Part {
  const headers = {
    Location: headerOf(),
    ETag: { schema: { $ref: '#/components/schemas/EntityTag' } },
    'Cache-Control': headerOf('no-store'),
  }
  const content = { 'application/json': { schema: { $ref: '#/components/schemas/Stored' } } }
  return {
    operationId: 'putKey',
    summary: 'Store a key, once',
    parameters: PUT_PARAMETERS,
    requestBody: {
      required: false,
      description: `The value: 0 to ${valueBytesMax} bytes, kept as they are with their content type: these or any other, of at most 255 bytes, without *; application/octet-stream if none`,
      content: VALUE_CONTENT,
    },
    responses: {
      200: { description: 'This Idempotency-Key had stored it before', headers, content },
      201: { description: 'Stored', headers, content },
      ...problems(PUT_PROBLEMS, false, {}),
    },
  }
}
