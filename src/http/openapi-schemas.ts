/** The shapes of what is answered in JSON, as JSON Schema 2020-12. */

type Schema = Readonly<Record<string, unknown>>

type SchemaName = 'Problem' | 'EntityTag' | 'Consistency' | 'Stored' | 'KeyPage' | 'Peers' | 'Clusters' | 'Status' | 'Health' | 'Readiness'

const text: Schema = { type: 'string' }
const count: Schema = { type: 'integer', minimum: 0 }
const flag: Schema = { type: 'boolean' }
const time: Schema = { type: 'string', format: 'date-time' }
const tag: Schema = { $ref: '#/components/schemas/EntityTag' }
const idsByCluster: Schema = { type: 'object', additionalProperties: { type: 'array', items: text } }
const role: Schema = { enum: ['voter', 'learner'] }

/** An object that has all of these, and the optional ones. */
function object(properties: Record<string, Schema>, optional: Record<string, Schema> = {}): Schema {
  return { type: 'object', required: Object.keys(properties), properties: { ...properties, ...optional } }
}

function list(items: Schema): Schema {
  return { type: 'array', items }
}

function mapOf(values: Schema): Schema {
  return { type: 'object', additionalProperties: values }
}

/** By the name they have in the document. */
export const SCHEMAS: Readonly<Record<SchemaName, Schema>> = {
  Problem: object(
    { type: { type: 'string', format: 'uri' }, title: text, status: { type: 'integer' }, detail: text },
    {
      parameter: { ...text, description: 'Of bad-parameter: its name' },
      header: { ...text, description: 'Of bad-header and unsupported-encoding: its name' },
      consistency: { enum: ['linearizable', 'local'], description: 'Of unknown-key' },
      etag: { ...tag, description: 'Of key-exists: of the stored value' },
      size: { ...count, description: 'Of key-exists: bytes of the stored value' },
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
  Consistency: { enum: ['linearizable', 'local'] },
  Stored: object({ key: text, writeId: text, size: count, etag: tag, writtenAt: time }),
  KeyPage: object(
    { keys: list(object({ key: text, size: count, etag: tag, writtenAt: time })) },
    { next: { ...text, description: 'The `after` of the following page; absent on the last' } },
  ),
  Peers: list(
    object({
      id: text,
      clusterId: text,
      addresses: list(text),
      role,
      state: { enum: ['self', 'alive', 'suspect', 'gone'] },
      rttMs: { type: ['number', 'null'] },
      lastSeenAt: { type: ['string', 'null'], format: 'date-time' },
    }),
  ),
  Clusters: idsByCluster,
  Status: object({
    peerId: text,
    clusterId: text,
    version: text,
    networkId: { type: ['string', 'null'] },
    epoch: { type: 'integer', minimum: -1, description: '-1 when no configuration is known' },
    role,
    ready: flag,
    config: { oneOf: [{ type: 'null' }, object({ clusters: idsByCluster }, { next: idsByCluster })] },
    changing: { ...flag, description: 'A change of the configuration is in flight' },
    quorum: mapOf(object({ voters: count, up: count, needed: count })),
    keys: object({ count, bytes: count, root: text, clusters: mapOf({ enum: ['equal', 'different', 'unknown'] }) }),
    inDoubt: count,
    warnings: list(text),
  }),
  Health: object({ healthy: { const: true } }),
  Readiness: object({ ready: { const: true } }),
}
