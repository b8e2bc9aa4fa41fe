/** What a log is to be born with, as JSON. */
import { utf8 } from '../../bytes.ts'
import type { Read } from '../change-body.ts'

/** Kinds of stores that this release has. */
const STORES: readonly string[] = ['kv']
const PLACE_CHARACTERS_MAX = 1_024
const EXAMPLE = '{ "store": "kv", "place": "cluster:c1" }'

export interface Creation {
  readonly store: string
  /** Undefined for the cluster of the peer that is asked. */
  readonly place: string | undefined
}

export function parseCreation(body: Uint8Array): Read<Creation> {
  let value: unknown
  try {
    value = JSON.parse(utf8.decode(body))
  } catch {
    return { fault: `The body is no JSON: write ${EXAMPLE}.` }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { fault: `The body is one object, as ${EXAMPLE}.` }
  const { store, place, ...rest } = value as Record<string, unknown>
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) return { fault: `${JSON.stringify(unknown)} is no field of a log: write ${EXAMPLE}.` }
  if (typeof store !== 'string' || !STORES.includes(store)) return { fault: `"store" is one of ${STORES.join(', ')}.` }
  if (place !== undefined && (typeof place !== 'string' || place.length > PLACE_CHARACTERS_MAX))
    return { fault: `"place" is a text, as in ${EXAMPLE}.` }
  return { value: { store, place } }
}
