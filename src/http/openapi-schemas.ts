/** The shapes of what is answered in JSON, as JSON Schema 2020-12. */

type Schema = Readonly<Record<string, unknown>>

type SchemaName =
  | 'Problem'
  | 'EntityTag'
  | 'Consistency'
  | 'Stored'
  | 'KeyPage'
  | 'Peers'
  | 'Clusters'
  | 'Config'
  | 'ChangeRequest'
  | 'Changed'
  | 'Changing'
  | 'AnewRequest'
  | 'Restarting'
  | 'Status'
  | 'Health'
  | 'Readiness'

const text: Schema = { type: 'string' }
const count: Schema = { type: 'integer', minimum: 0 }
const flag: Schema = { type: 'boolean' }
const time: Schema = { type: 'string', format: 'date-time' }
const tag: Schema = { $ref: '#/components/schemas/EntityTag' }
const idsByCluster: Schema = { type: 'object', additionalProperties: { type: 'array', items: text } }
const state: Schema = { enum: ['self', 'alive', 'suspect', 'gone'] }
const epoch: Schema = { type: 'integer', minimum: -1, description: '-1 when no configuration is known' }
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

const member: Schema = object({ id: text, state })

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
      state,
      rttMs: { type: ['number', 'null'] },
      lastSeenAt: { type: ['string', 'null'], format: 'date-time' },
    }),
  ),
  Clusters: idsByCluster,
  Config: object({
    networkId: { type: ['string', 'null'] },
    epoch,
    clusters: mapOf(object({ voters: list(member), learners: list(member) })),
    removed: { ...object({ peers: list(text), clusters: list(text) }), description: 'What is no member any more' },
    change: {
      oneOf: [
        { type: 'null' },
        object({
          epoch: count,
          from: idsByCluster,
          to: idsByCluster,
          startedSecondsAgo: { type: 'number' },
          covered: count,
          needed: count,
        }),
      ],
      description: 'The change in flight: `covered` of the `needed` new voters hold all they must',
    },
  }),
  ChangeRequest: {
    ...object(
      {},
      {
        add: { ...list(text), description: 'Peers that vote from now on' },
        remove: { ...list(text), description: 'Peers that have no vote any more, and are no members' },
        removeCluster: { ...text, description: 'A cluster that is removed whole' },
        force: { ...flag, default: false, description: 'Also when a quorum of the voters that would be is out of reach' },
        withdraw: { ...flag, default: false, description: 'Withdraw the change in flight; stands alone' },
      },
    ),
    additionalProperties: false,
  },
  Changed: object({ outcome: { enum: ['changed', 'unchanged'] }, epoch: count }),
  Changing: object({ outcome: { const: 'changing' }, epoch: count, covered: count, needed: count }),
  AnewRequest: {
    ...object({ networkId: { ...text, description: 'Of the network that is given up' } }),
    additionalProperties: false,
  },
  Restarting: object({ outcome: { const: 'restarting' }, networkId: { ...text, description: 'Of the new network' }, epoch: count }),
  Status: object({
    peerId: text,
    clusterId: text,
    version: text,
    networkId: { type: ['string', 'null'] },
    epoch,
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
