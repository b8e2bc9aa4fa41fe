/**
 * What the shapes of JSON are made of, as JSON Schema 2020-12, and the shapes that belong to no
 * single type.
 */
import type { Part } from './openapi-parts.ts'

export const text: Part = { type: 'string' }
export const count: Part = { type: 'integer', minimum: 0 }
export const flag: Part = { type: 'boolean' }
export const time: Part = { type: 'string', format: 'date-time' }
export const tag: Part = { $ref: '#/components/schemas/EntityTag' }
export const idsByCluster: Part = { type: 'object', additionalProperties: { type: 'array', items: text } }
/** What people call a peer. */
export const peerName: Part = { type: ['string', 'null'], pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$' }
export const state: Part = { type: 'string', enum: ['self', 'alive', 'suspect', 'gone'] }
export const epoch: Part = { type: 'integer', minimum: -1, description: '-1 when no configuration is known' }
export const role: Part = { type: 'string', enum: ['voter', 'learner'] }

/** An object that has all of these, and the optional ones. */
export function object(properties: Record<string, Part>, optional: Record<string, Part> = {}): Part {
  return { type: 'object', required: Object.keys(properties), properties: { ...properties, ...optional } }
}

export function list(items: Part): Part {
  return { type: 'array', items }
}

export function mapOf(values: Part): Part {
  return { type: 'object', additionalProperties: values }
}

/** By the name they have in the document. */
export const SHARED_SCHEMAS: Readonly<Record<string, Part>> = {
  Problem: object(
    { type: { type: 'string', format: 'uri' }, title: text, status: { type: 'integer' }, detail: text },
    {
      parameter: { ...text, description: 'Of bad-parameter: its name' },
      header: { ...text, description: 'Of bad-header and unsupported-encoding: its name' },
      consistency: { type: 'string', enum: ['linearizable', 'local'], description: 'Of unknown-key' },
      etag: { ...text, description: 'Of key-exists and precondition-failed: of what is there' },
      size: { ...count, description: 'Of key-exists and precondition-failed: bytes of what is there' },
      version: { ...count, description: 'Of precondition-failed: what is live, 0 for nothing; of idempotency-key-reused: what it made' },
      number: { ...count, description: 'Of a register: the highest version that it ever had' },
      commitSent: { ...flag, description: 'Of outcome-forgotten: the write may have been applied, once' },
      after: { ...count, description: 'Of in-doubt: the Replicator-After to write again with' },
      writtenAt: { ...time, description: 'Of key-exists: when the stored value was put' },
      writeId: { ...text, description: 'Of in-doubt: the Idempotency-Key to put again with' },
      valueBytesMax: { ...count, description: 'Of too-large: the most bytes a value may have' },
    },
  ),
  EntityTag: {
    type: 'string',
    pattern: '^"[0-9a-f]{32}"$',
    description:
      'The first 128 bits of SHA-256 over the content type, a zero byte, and the value; quotes included. The same at every peer.',
  },
  Consistency: { type: 'string', enum: ['linearizable', 'local'] },
}
