/** What peers tell of themselves, as in `/openapi.json`. */

export type Role = 'voter' | 'learner'

export interface PeerRow {
  readonly id: string
  /** What people call it; null where nobody said. */
  readonly name: string | null
  readonly clusterId: string
  readonly addresses: readonly string[]
  readonly role: Role
  readonly state: 'self' | 'alive' | 'suspect' | 'gone'
  readonly rttMs: number | null
  readonly lastSeenAt: string | null
}

export interface Status {
  readonly peerId: string
  readonly name: string | null
  readonly clusterId: string
  readonly version: string
  readonly networkId: string | null
  readonly epoch: number
  readonly role: Role
  readonly ready: boolean
  /** Voters by cluster; `next` while a change is in flight. */
  readonly config: {
    readonly clusters: Readonly<Record<string, readonly string[]>>
    readonly next?: Readonly<Record<string, readonly string[]>>
  } | null
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
  /** The token file in force; null where clients need none. */
  readonly tokens: { readonly fingerprint: string } | null
  readonly warnings: readonly string[]
}

export interface SetRow {
  readonly name: string
  readonly members: number
  /** Members, and elements whose removal is remembered. */
  readonly elements: number
  /** Whether the peers that were heard lately hold the same. */
  readonly peers: 'equal' | 'different' | 'unknown'
  /** How often removals were forgotten. */
  readonly cut: number
}

/** A peer of the configuration, as it looks from the peer that tells. */
export interface Member {
  readonly id: string
  readonly name: string | null
  readonly state: PeerRow['state']
}

/** Who votes and who learns, and the change in flight. */
export interface Config {
  readonly networkId: string | null
  readonly epoch: number
  readonly clusters: Readonly<Record<string, { readonly voters: readonly Member[]; readonly learners: readonly Member[] }>>
  readonly change: {
    /** Voters by cluster. */
    readonly from: Readonly<Record<string, readonly string[]>>
    readonly to: Readonly<Record<string, readonly string[]>>
    readonly startedSecondsAgo: number
    /** New voters that hold all they must, of so many that must. */
    readonly covered: number
    readonly needed: number
  } | null
}
