/** What operators ask of logs, as JSON. */
import type { PeerId } from '../../../protocols/base/identity.ts'
import type {
  ChangeRequest,
  CheckRequest,
  EndRequest,
  PlaceRequest,
  RecoverRequest,
  RefillRequest,
  TransferRequest,
  VerdictRequest,
} from '../../../protocols/log/requests.ts'
import { readWish } from '../../../protocols/log/placement.ts'
import { CHANGES_MAX } from '../../../protocols/log/talk.ts'
import { utf8 } from '../../bytes.ts'
import { isPeerId } from '../../peer-id.ts'
import { STORE_KINDS } from '../../settings/settings.ts'
import type { Read } from '../change-body.ts'

const PLACE_CHARACTERS_MAX = 1_024
const CREATION = '{ "store": "kv", "place": "cluster:c1" }'
const CHANGE = '{ "add": ["12D3KooW…"], "remove": [] }'
const VERDICT = '{ "index": 42 }'
const TRANSFER = '{ "to": "12D3KooW…" }'

export interface Creation {
  readonly store: string
  /** Undefined for the cluster of the peer that is asked. */
  readonly place: string | undefined
  readonly isLeased: boolean
}

/** What says nothing but its name. */
type PlainRequest = RefillRequest | CheckRequest | EndRequest | RecoverRequest

/** Reads the body of `PUT /logs/{name}`. */
export function parseCreation(body: Uint8Array): Read<Creation> {
  const read = fieldsOf(body, ['store', 'place', 'lease'], CREATION)
  if ('fault' in read) return read
  const { store, place, lease = false } = read.value
  if (typeof store !== 'string' || !STORE_KINDS.some((kind) => kind === store))
    return { fault: `"store" is one of ${STORE_KINDS.join(', ')}.` }
  if (place !== undefined && (typeof place !== 'string' || place.length > PLACE_CHARACTERS_MAX))
    return { fault: `"place" is a text, as in ${CREATION}.` }
  if (typeof lease !== 'boolean') return { fault: '"lease" is true or false.' }
  return { value: { store, place, isLeased: lease } }
}

/** Reads the body of `POST /logs/{name}/change`. */
export function parseChange(log: string, body: Uint8Array): Read<ChangeRequest | PlaceRequest> {
  const read = fieldsOf(body, ['add', 'remove', 'force', 'place'], CHANGE)
  if ('fault' in read) return read
  const { place, ...changes } = read.value
  if (place !== undefined) return parsePlace(log, place, changes)
  const { add = [], remove = [], force = false } = read.value
  if (!arePeers(add) || !arePeers(remove)) return { fault: `"add" and "remove" are lists of peer ids, as in ${CHANGE}.` }
  if (typeof force !== 'boolean') return { fault: '"force" is true or false.' }
  if (add.length + remove.length === 0) return { fault: `Name whom to add or to remove, as in ${CHANGE}.` }
  if (add.some((peer) => remove.includes(peer))) return { fault: 'One peer is both to be added and to be removed.' }
  return { value: { kind: 'change', log, add, remove, isForced: force } }
}

function parsePlace(log: string, place: unknown, others: object): Read<PlaceRequest> {
  if (Object.keys(others).length > 0) return { fault: 'A body with "place" says nothing else.' }
  const isWish = typeof place === 'string' && place.length <= PLACE_CHARACTERS_MAX && readWish(place) !== undefined
  return isWish
    ? { value: { kind: 'place', log, place } }
    : { fault: '"place" is "cluster:ID", "spread:N" with N from 3 to 7, or "peers:ID,ID,ID".' }
}

/** Reads the body of `POST /logs/{name}/transfer`. */
export function parseTransfer(log: string, body: Uint8Array): Read<TransferRequest> {
  const read = fieldsOf(body, ['to'], TRANSFER)
  if ('fault' in read) return read
  const { to } = read.value
  if (typeof to !== 'string' || !isPeerId(to)) return { fault: `"to" is a peer id, as in ${TRANSFER}.` }
  return { value: { kind: 'transfer', log, to } }
}

/** Reads the body of `POST /logs/{name}/verdict`. */
export function parseVerdict(log: string, body: Uint8Array): Read<VerdictRequest> {
  const read = fieldsOf(body, ['index'], VERDICT)
  if ('fault' in read) return read
  const { index } = read.value
  const isIndex = typeof index === 'number' && Number.isSafeInteger(index) && index > 0
  return isIndex ? { value: { kind: 'verdict', log, index } } : { fault: `"index" is that of an entry, as in ${VERDICT}.` }
}

/** Reads the body of `POST /logs/{name}/refill`, `/check`, `/end` and `/recover`, which is empty. */
export function parsePlain<Kind extends PlainRequest['kind']>(
  kind: Kind,
): (log: string, body: Uint8Array) => Read<{ readonly kind: Kind; readonly log: string }> {
  return (log, body) => {
    const read = fieldsOf(body, [], '{}')
    return 'fault' in read ? read : { value: { kind, log } }
  }
}

function arePeers(value: unknown): value is PeerId[] {
  return Array.isArray(value) && value.length <= CHANGES_MAX / 4 && value.every((each) => typeof each === 'string' && isPeerId(each))
}

function fieldsOf(body: Uint8Array, names: readonly string[], example: string): Read<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(utf8.decode(body))
  } catch {
    return { fault: `The body is no JSON: write ${example}.` }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { fault: `The body is one object, as ${example}.` }
  const unknown = Object.keys(value).find((name) => !names.includes(name))
  if (unknown !== undefined) return { fault: `${JSON.stringify(unknown)} is not known here: write ${example}.` }
  return { value: value as Record<string, unknown> }
}
