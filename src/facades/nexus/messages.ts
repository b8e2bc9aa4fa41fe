/**
 * The messages of `nexus.proto`, as the package for it reads and writes them, and what its calls
 * are called. Numbers of 64 bits are texts.
 */
import type { Scope } from '../../http/route.ts'

export const SERVICE = 'nexus.api.Nexus'

export interface Status {
  readonly code: number
  readonly message: string
}

export type Arguments = Readonly<Record<string, Uint8Array>>

/** Of Save and Load. */
export interface DataRequest {
  readonly data: Uint8Array
  readonly args: Arguments
}

/** Of Save and Load. */
export interface DataResponse {
  readonly status: Status
  readonly reqData: Uint8Array
  readonly resData: Uint8Array
}

export interface NodeRequest {
  readonly nodeUrl: string
}

export const NODE_STATUSES = ['LEADER', 'CANDIDATE', 'FOLLOWER', 'OFFLINE', 'UNKNOWN'] as const
export type NodeStatus = (typeof NODE_STATUSES)[number]

export interface NodeInfo {
  readonly nodeUrl: string
  readonly nodeId: string
  readonly status: NodeStatus
  readonly nodeName: string
}

export interface ListNodesResponse {
  readonly status: Status
  readonly leader: string
  readonly nodes: Readonly<Record<string, NodeInfo>>
}

export interface HealthCheckRequest {
  readonly service: string
}

export type ServingStatus = 'UNKNOWN' | 'SERVING' | 'NOT_SERVING'

export interface HealthCheckResponse {
  readonly status: ServingStatus
}

export interface ReplicateRequest {
  readonly data: Uint8Array
}

export const OK: Status = { code: 0, message: '' }

/**
 * What each call asks of a token. Calls of other services, health and reflection, ask for none, as
 * those of HTTP do.
 */
const SCOPES: Readonly<Record<string, Scope>> = {
  Check: 'none',
  Save: 'write',
  Load: 'read',
  AddNode: 'operate',
  RemoveNode: 'operate',
  ListNodes: 'read',
  Replicate: 'write',
}

/** @param path of a call, as `/nexus.api.Nexus/Save` */
export function scopeOf(path: string): Scope {
  const [, service, method = ''] = path.split('/')
  return service === SERVICE ? (SCOPES[method] ?? 'operate') : 'none'
}
