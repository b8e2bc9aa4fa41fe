/** What the operations of the OpenAPI document are made of. */
import { PROBLEMS } from './problems.ts'
import type { ProblemName } from './problems.ts'

/** Part of the document: whatever JSON holds. */
export type Part = Readonly<Record<string, unknown>>

/** What each operation may be refused with, whatever it is asked. */
export const ALWAYS: readonly ProblemName[] = [
  'bad-request',
  'bad-header',
  'misdirected',
  'headers-too-large',
  'expectation-failed',
  'internal',
  'unsupported-coding',
  'overloaded',
]

export const TIMEOUT: Part = queryParameter('timeout', 'Milliseconds to try for; of a put, from the last byte of its body', {
  type: 'integer',
  minimum: 100,
  maximum: 60_000,
  default: 10_000,
})

/** Names a write, with quotes around it or without. */
export function idempotencyKey(description: string): Part {
  return headerParameter('Idempotency-Key', description, { type: 'string', pattern: '^([!#-~][!-~]{0,127}|"[!-~]{1,128}")$' })
}

/** A key, or the beginning of one: at most 1,024 bytes. */
const BEGINNING: Part = { type: 'string', maxLength: 1_024, pattern: '^[^\\u0000]*$', default: '' }

/** Of a list by keys, a page at a time. */
export const LIST_PARAMETERS: readonly Part[] = [
  queryParameter('prefix', 'Only keys that begin with this', BEGINNING),
  queryParameter('after', 'Only keys after this one in the order of their UTF-8 bytes: the `next` of the page before', BEGINNING),
  queryParameter('limit', 'The most keys on the page', { type: 'integer', minimum: 1, maximum: 1000, default: 100 }),
]

/** @param local what a read of this peer's own copy alone is worth */
export function consistencyParameter(local: string): Part {
  const schema = { type: 'string', enum: ['linearizable', 'local'], default: 'linearizable' }
  return queryParameter('consistency', `\`local\`: this peer’s own copy, ${local}`, schema)
}

/** @param what is waited for, at most so many milliseconds */
export function waitParameter(what: string): Part {
  return queryParameter('wait', `Milliseconds to wait for ${what}`, { type: 'integer', minimum: 0, maximum: 60_000, default: 0 })
}

export function requestOf(schema: string): Part {
  return { required: true, content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } } }
}

/** Problems by status: several may share one, and are told apart by their type. */
export function problems(given: readonly ProblemName[], isHead: boolean, headersOf: Readonly<Record<number, Part>>): Part {
  const names = [...new Set(given)]
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
  const types = { type: 'object', properties: { type: { type: 'string', enum: names.map((name) => `urn:replicator:${name}`) } } }
  return { allOf: [{ $ref: '#/components/schemas/Problem' }, types] }
}

export function jsonOf(description: string, schema: string): Part {
  return {
    description,
    headers: { 'Cache-Control': headerOf('no-store') },
    content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } },
  }
}

export function contentOf(description: string, contentType: string): Part {
  return { description, headers: { 'Cache-Control': headerOf('no-store') }, content: { [contentType]: {} } }
}

export function headerOf(value?: string): Part {
  return { schema: value === undefined ? { type: 'string' } : { type: 'string', const: value } }
}

/** Of what a client may store: any bytes, of whatever type. Programs that are made from this see bytes. */
export const BYTES: Part = { schema: { type: 'string', format: 'binary' } }

/** Of a value that is put: these types, or any other. */
export const VALUE_CONTENT: Part = { 'application/octet-stream': BYTES, 'text/plain': { schema: { type: 'string' } } }

/** Where clients show tokens, `private` stands before it. */
export function cachedFor(directives: string): Part {
  return { schema: { type: 'string', enum: [directives, `private, ${directives}`] } }
}

export function queryParameter(name: string, description: string, schema: Part): Part {
  return { name, in: 'query', required: false, description, schema }
}

export function headerParameter(name: string, description: string, schema: Part = { type: 'string' }): Part {
  return { name, in: 'header', required: false, description, schema }
}
