/** What peers tell of themselves, as in `/openapi.json`. */

export type Role = 'voter' | 'learner'

export interface PeerRow {
  readonly id: string
  readonly clusterId: string
  readonly addresses: readonly string[]
  readonly role: Role
  readonly state: 'self' | 'alive' | 'suspect' | 'gone'
  readonly rttMs: number | null
  readonly lastSeenAt: string | null
}

export interface Status {
  readonly peerId: string
  readonly clusterId: string
  readonly version: string
  readonly networkId: string | null
  readonly epoch: number
  readonly role: Role
  readonly ready: boolean
  readonly changing: boolean
  readonly quorum: Readonly<Record<string, { readonly voters: number; readonly up: number; readonly needed: number }>>
  readonly keys: {
    readonly count: number
    readonly bytes: number
    readonly root: string
    readonly clusters: Readonly<Record<string, 'equal' | 'different' | 'unknown'>>
    /** By cluster, how far its peer that has least is behind the fullest peer. */
    readonly behind: Readonly<Record<string, { readonly keys: number; readonly seconds: number }>>
  }
  readonly inDoubt: number
  readonly warnings: readonly string[]
}
