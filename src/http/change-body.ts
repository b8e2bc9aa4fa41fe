/**
 * What is asked of the configuration, as JSON: read once, and told in one sentence where it will
 * not do.
 */
import { isClusterId } from '../../protocols/base/identity.ts'
import type { ClusterId, PeerId } from '../../protocols/base/identity.ts'
import { contradiction } from '../../protocols/config/plan.ts'
import type { ChangeRequest } from '../../protocols/base/change-request.ts'
import { isPeerId } from '../peer-id.ts'

/** The bytes of a body that names more peers than a network has voters. */
export const CHANGE_BYTES_MAX = 65_536
/**
 * A change names voters, and there are no more than so many at once, of which all may go and as
 * many come.
 */
const PEERS_MAX = 128
const CHANGE_FIELDS = ['add', 'remove', 'removeCluster', 'force', 'withdraw'] as const
const EXAMPLE = '{ "add": ["12D3KooW…"], "remove": [], "force": false }'

/** Why a body will not do: one sentence. */
class BadBody extends Error {
  override readonly name = 'BadBody'
}

/** A value, or why there is none. */
export type Read<T> = { readonly value: T } | { readonly fault: string }

/** Reads the body of `POST /config/changes`. */
export function parseChangeRequest(body: Uint8Array): Read<ChangeRequest> {
  return guarded(() => {
    const fields = fieldsOf(body, CHANGE_FIELDS, EXAMPLE)
    const request: ChangeRequest = {
      add: peersOf(fields, 'add'),
      remove: peersOf(fields, 'remove'),
      removeCluster: clusterOf(fields),
      force: flagOf(fields, 'force'),
      withdraw: flagOf(fields, 'withdraw'),
    }
    const malformed = contradiction(request)
    if (malformed !== undefined) throw new BadBody(malformed)
    return request
  })
}

/** Reads the body of `POST /config/new-epoch`. @returns the network that is given up */
export function parseAnewRequest(body: Uint8Array): Read<string> {
  return guarded(() => {
    const { networkId } = fieldsOf(body, ['networkId'], '{ "networkId": "…" }')
    if (typeof networkId !== 'string') throw new BadBody('"networkId" must be the id of the network that is given up, as /status shows it.')
    return networkId
  })
}

function guarded<T>(read: () => T): Read<T> {
  try {
    return { value: read() }
  } catch (error) {
    if (error instanceof BadBody) return { fault: error.message }
    throw error
  }
}

function fieldsOf(body: Uint8Array, names: readonly string[], example: string): Readonly<Record<string, unknown>> {
  const fields = jsonOf(body, example)
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    throw new BadBody(`It is not a JSON object; send one like ${example}.`)
  const unknown = Object.keys(fields).find((name) => !names.includes(name))
  if (unknown !== undefined) throw new BadBody(`${JSON.stringify(unknown)} is no field of it; the fields are ${names.join(', ')}.`)
  return fields as Readonly<Record<string, unknown>>
}

function jsonOf(body: Uint8Array, example: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown
  } catch {
    throw new BadBody(`It is not JSON; send an object like ${example}.`)
  }
}

function peersOf(fields: Readonly<Record<string, unknown>>, name: 'add' | 'remove'): readonly PeerId[] {
  const peers = fields[name] ?? []
  if (!Array.isArray(peers) || !peers.every((peer) => typeof peer === 'string'))
    throw new BadBody(`"${name}" must be a list of peer ids, as /peers shows them.`)
  const bad = peers.find((peer) => !isPeerId(peer))
  if (bad !== undefined) throw new BadBody(`${JSON.stringify(bad.slice(0, 80))} in "${name}" is no peer id; write it as /peers shows it.`)
  if (new Set(peers).size < peers.length) throw new BadBody(`"${name}" names a peer twice; name it once.`)
  if (peers.length > PEERS_MAX)
    throw new BadBody(`"${name}" names more than ${PEERS_MAX} peers; ask for several changes, one after another.`)
  return peers as PeerId[]
}

function clusterOf({ removeCluster }: Readonly<Record<string, unknown>>): ClusterId | undefined {
  if (removeCluster === undefined) return undefined
  if (typeof removeCluster !== 'string' || !isClusterId(removeCluster))
    throw new BadBody('"removeCluster" must be a cluster id: 1 to 64 of letters, digits, ".", "_" and "-".')
  return removeCluster
}

function flagOf(fields: Readonly<Record<string, unknown>>, name: 'force' | 'withdraw'): boolean {
  const flag = fields[name] ?? false
  if (typeof flag !== 'boolean') throw new BadBody(`"${name}" must be true or false.`)
  return flag
}
