/** The interface as OpenAPI 3.1: what `/openapi.json` serves. Every path and status here is one that the code gives, and the other way round. */
import { SCHEMAS } from './openapi-schemas.ts'
import { PROBLEMS } from './problems.ts'
import type { ProblemName } from './problems.ts'

/** Part of the document: whatever JSON holds. */
type Part = Readonly<Record<string, unknown>>

/** What each path under Express may refuse with, whatever it is asked. */
const ALWAYS: readonly ProblemName[] = ['bad-request', 'headers-too-large', 'expectation-failed', 'internal']

const GET_PROBLEMS: readonly ProblemName[] = ['bad-key', 'bad-parameter', 'unknown-key', 'overloaded', 'unavailable', ...ALWAYS]
const PUT_PROBLEMS: readonly ProblemName[] = [
  'bad-key',
  'bad-parameter',
  'bad-header',
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

/** What a body of JSON from whoever may send one may be refused with. */
const JSON_PROBLEMS: readonly ProblemName[] = [
  'bad-body',
  'forbidden',
  'body-timeout',
  'change-refused',
  'too-large',
  'unsupported-encoding',
  'unsupported-media-type',
  'not-ready',
  'overloaded',
  ...ALWAYS,
]

/** @param valueBytesMax the largest value taken by this peer */
export function openApiDocument(version: string, valueBytesMax: number): Part {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Replicator',
      version,
      description:
        'A write-once key-value store over many clusters. Any peer serves any request. A key that was stored keeps its value for ever. ' +
        'Errors are problems (RFC 9457): decide by their `type`; a 502, 503 or 504 without one comes from something in between and leaves a put in doubt.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: {
      '/store/{key}': { parameters: [KEY], get: getKey(false), head: getKey(true), put: putKey(valueBytesMax) },
      '/store': both('listKeys', 'List the keys that this peer holds', LIST_PARAMETERS, { 200: jsonOf('A page of keys', 'KeyPage') }, [
        'bad-parameter',
        'overloaded',
      ]),
      '/peers': both('listPeers', 'The peers known here', [], { 200: jsonOf('The peers', 'Peers') }),
      '/clusters': both('listClusters', 'The peers of each cluster that are not gone', [], {
        200: jsonOf('Peer ids by cluster id', 'Clusters'),
      }),
      '/config': both('readConfig', 'Who votes, and the change in flight', [], { 200: jsonOf('The configuration', 'Config') }),
      '/config/changes': { post: changeConfig() },
      '/config/new-epoch': { post: beginAnew() },
      '/status': both('readStatus', 'How this peer sees itself and the network', [], { 200: jsonOf('The status', 'Status') }),
      '/healthz': both('readHealth', 'Whether the process can serve', [], { 200: jsonOf('It can', 'Health') }, ['unavailable']),
      '/readyz': both('readReadiness', 'Whether this peer takes puts', [], { 200: jsonOf('It is ready', 'Readiness') }, ['not-ready']),
      '/metrics': both('readMetrics', 'Metrics for Prometheus', [], { 200: contentOf('The metrics', 'text/plain') }),
      '/openapi.json': both('readInterface', 'This document', [], { 200: contentOf('The document', 'application/json') }),
      '/swagger': both('readPage', 'A page to try the interface on', [], { 200: contentOf('The page', 'text/html') }),
      '/swagger/{asset}': { parameters: [ASSET], ...both('readAsset', 'A file of the page', [], { 200: ASSET_CONTENT }, ['not-found']) },
    },
    components: { schemas: SCHEMAS },
  }
}

const KEY: Part = {
  name: 'key',
  in: 'path',
  required: true,
  description:
    '1 to 1,024 bytes of UTF-8, percent-decoded once: `a%2Fb` and `a/b` are one key, `+` is a plus. It may contain slashes, encoded or not, doubled or trailing; ' +
    'but not U+0000, and no segment `.` or `..`.',
  schema: { type: 'string', minLength: 1 },
}

const ASSET: Part = {
  name: 'asset',
  in: 'path',
  required: true,
  schema: { type: 'string', enum: ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png', 'start.js'] },
}

const ASSET_CONTENT: Part = {
  description: 'The file',
  headers: { 'Cache-Control': headerOf('no-store') },
  content: { 'text/css': {}, 'text/javascript': {}, 'image/png': {} },
}

const TIMEOUT = query('timeout', 'Milliseconds to try for; of a put, from the last byte of its body', {
  type: 'integer',
  minimum: 100,
  maximum: 60_000,
  default: 10_000,
})

const GET_PARAMETERS: readonly Part[] = [
  TIMEOUT,
  query('consistency', '`local`: this peer’s own copy, whose 404 may be stale', {
    type: 'string',
    enum: ['linearizable', 'local'],
    default: 'linearizable',
  }),
  query('wait', 'Milliseconds to wait for the key to be known here before 404', {
    type: 'integer',
    minimum: 0,
    maximum: 60_000,
    default: 0,
  }),
  header('If-None-Match', 'Entity tags: 304 when the stored value has one of them'),
]

const LIST_PARAMETERS: readonly Part[] = [
  query('prefix', 'Only keys that begin with this', { type: 'string', default: '' }),
  query('after', 'Only keys after this one in the order of their UTF-8 bytes: the `next` of the page before', {
    type: 'string',
    default: '',
  }),
  query('limit', 'The most keys on the page', { type: 'integer', minimum: 1, maximum: 1000, default: 100 }),
]

const PUT_PARAMETERS: readonly Part[] = [
  TIMEOUT,
  header(
    'Idempotency-Key',
    'Names this put of this key for as long as the key lives: 1 to 128 visible ASCII characters, quotes around it not counted. Whoever retries sends one.',
  ),
  header('If-Match', 'The key must be stored already: 412 when it is absent'),
]

function getKey(isHead: boolean): Part {
  const value = isHead ? {} : { content: { '*/*': { schema: {} } } }
  const consistency = { 'Replicator-Consistency': { schema: { $ref: '#/components/schemas/Consistency' } } }
  const kept = {
    ETag: { schema: { $ref: '#/components/schemas/EntityTag' } },
    'Last-Modified': headerOf(),
    'Cache-Control': headerOf('max-age=31536000, immutable'),
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

function putKey(valueBytesMax: number): Part {
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
      description: `The value: 0 to ${valueBytesMax} bytes, kept as they are with their content type (at most 255 bytes; application/octet-stream if none)`,
      content: { '*/*': { schema: {} } },
    },
    responses: {
      200: { description: 'This Idempotency-Key had stored it before', headers, content },
      201: { description: 'Stored', headers, content },
      ...problems(PUT_PROBLEMS, false, {}),
    },
  }
}

function changeConfig(): Part {
  return {
    operationId: 'changeConfig',
    summary: 'Change who votes',
    description:
      'One change at a time. Asking again for what is done already changes nothing. Answered to programs on this machine, unless -changes-from opens it.',
    parameters: [TIMEOUT],
    requestBody: requestOf('ChangeRequest'),
    responses: {
      200: jsonOf('It is done: what was removed may be switched off', 'Changed'),
      202: jsonOf('The time is over, and the change goes on: see `/config`', 'Changing'),
      ...problems(['bad-parameter', 'change-expired', ...JSON_PROBLEMS], false, {}),
    },
  }
}

function beginAnew(): Part {
  return {
    operationId: 'beginAnew',
    summary: 'Give up the network and begin a new one with what this peer holds',
    description:
      'For when no quorum is left anywhere; what only others held is lost. Refused while a quorum answers. Answered as `/config/changes`.',
    requestBody: requestOf('AnewRequest'),
    responses: {
      202: jsonOf('This peer starts again, as the only voter of the new network', 'Restarting'),
      ...problems(JSON_PROBLEMS, false, {}),
    },
  }
}

function requestOf(schema: keyof typeof SCHEMAS): Part {
  return { required: true, content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } } }
}

/** A path that is only read: GET, and HEAD without the body. */
function both(
  operationId: string,
  summary: string,
  parameters: readonly Part[],
  responses: Part,
  refusals: readonly ProblemName[] = [],
): Part {
  const names = [...refusals, ...ALWAYS]
  const bare = Object.fromEntries(
    Object.entries(responses).map(([status, response]) => [status, { ...(response as Part), content: undefined }]),
  )
  return {
    get: { operationId, summary, parameters, responses: { ...responses, ...problems(names, false, {}) } },
    head: {
      operationId: `${operationId}Head`,
      summary: `${summary} (head only)`,
      parameters,
      responses: { ...bare, ...problems(names, true, {}) },
    },
  }
}

/** Problems by status: several may share one, and are told apart by their type. */
function problems(names: readonly ProblemName[], isHead: boolean, headersOf: Readonly<Record<number, Part>>): Part {
  const responses: Record<string, Part> = {}
  for (const status of new Set(names.map((name) => PROBLEMS[name].status))) {
    const rows = names.filter((name) => PROBLEMS[name].status === status)
    const retries = rows.some((name) => PROBLEMS[name].retryAfterSeconds !== undefined)
    responses[status] = {
      description: rows.map((name) => `\`${name}\`: ${PROBLEMS[name].title}`).join('. '),
      headers: {
        'Cache-Control': headerOf('no-store'),
        ...(retries ? { 'Retry-After': { schema: { type: 'integer' } } } : {}),
        ...headersOf[status],
      },
      ...(isHead ? {} : { content: { 'application/problem+json': { schema: problemSchema(rows) } } }),
    }
  }
  return responses
}

function problemSchema(names: readonly ProblemName[]): Part {
  const types = { type: 'object', properties: { type: { enum: names.map((name) => `urn:replicator:${name}`) } } }
  return { allOf: [{ $ref: '#/components/schemas/Problem' }, types] }
}

function jsonOf(description: string, schema: keyof typeof SCHEMAS): Part {
  return {
    description,
    headers: { 'Cache-Control': headerOf('no-store') },
    content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } },
  }
}

function contentOf(description: string, contentType: string): Part {
  return { description, headers: { 'Cache-Control': headerOf('no-store') }, content: { [contentType]: {} } }
}

function headerOf(value?: string): Part {
  return { schema: value === undefined ? { type: 'string' } : { type: 'string', const: value } }
}

function query(name: string, description: string, schema: Part): Part {
  return { name, in: 'query', required: false, description, schema }
}

function header(name: string, description: string): Part {
  return { name, in: 'header', required: false, description, schema: { type: 'string' } }
}
