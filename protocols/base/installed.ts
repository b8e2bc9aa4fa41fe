/**
 * The config in force at this peer, as the roles that ask and answer in it see it. `config/`
 * installs it.
 */
import type { Config } from './config.ts'
import type { Identity, IdentityId, NetworkId, PeerId } from './identity.ts'
import type { Quorum } from './quorum.ts'
import type { Unit } from './units.ts'

/** A config installed here, with what is worked out of it once. */
export interface Installed {
  readonly config: Config
  /** Of clients' registers. */
  readonly quorum: Quorum
  /** Of the register that decides the next config. */
  readonly configQuorum: Quorum
  /** Of its clusters, also while it is joint. */
  readonly units: readonly Unit[]
}

/** What the newest config says. */
export interface InForce {
  /** Undefined before the first config. */
  readonly current: Installed | undefined
  /** -1 before the first config. */
  readonly epoch: number
  /** Of the config, else the one that was asked for; undefined for a peer that may join any. */
  readonly networkId: NetworkId | undefined
  /** True when the identity votes on data or on configs now. */
  isVoter(id: IdentityId): boolean
  /** The voter of this peer id, whatever its incarnation; undefined when the peer has no vote. */
  voterOf(peerId: PeerId): Identity | undefined
}
