/**
 * The one opening of a peer, over any store: what a store must hold on disk before its peer may
 * speak. That is a ceiling raised for this opening, and the first config of a network that begins
 * here. Nothing is opened before both are synced, however long that takes: a ballot issued above a
 * ceiling that a crash takes back could be issued again.
 */
import { raisedAtOpening } from './agreement/rounds.ts'
import { higherCeiling } from './base/ballot.ts'
import type { Ceiling } from './base/ballot.ts'
import type { Config } from './base/config.ts'
import { HASH_BYTES } from './base/hash-tree.ts'
import type { ClusterId, Identity, NetworkId } from './base/identity.ts'
import { ceilingWrite, chosenWrite } from './base/persist.ts'
import type { Persist } from './base/persist.ts'
import { configKey } from './base/register.ts'
import { configRecord } from './config/chain.ts'
import type { Codec } from './wire/codec.ts'

/** A network that begins with this peer alone. */
export interface Founding {
  readonly networkId: NetworkId
  readonly clusterId: ClusterId
  readonly founder: Identity
  /** What the store holds is kept, and the network that it was of is given up. */
  readonly isAnew: boolean
  readonly minPeers: number
  /** The protocol version that a peer must speak to vote: the founder's own (`protocolOf`). */
  readonly protocolMin: number
}

export interface Opened {
  /** What the ceiling was: memory of promises at or below it is lost. */
  readonly floor: Ceiling
  /** What it is from now on, on disk. */
  readonly ceiling: Ceiling
}

/**
 * What an opening needs of a store. Writes of one call are one transaction; `synced` is told once
 * all of them are on disk.
 */
export interface OpeningStore {
  /** As it is on disk. */
  readonly ceiling: Ceiling
  /** -1 for none. */
  readonly newestEpoch: number
  write(writes: readonly Persist[], synced: () => void): void
  /** Lets go of every config first, in the same transaction. */
  replaceConfigs(writes: readonly Persist[], synced: () => void): void
}

/**
 * Raises the ceiling, and writes the first config where a network begins, in one synced
 * transaction.
 *
 * @param founding undefined for a peer that joins, or comes back
 * @param opened told once all of it is on disk, and never if that fails
 */
export function beginOpening(store: OpeningStore, codec: Codec, founding: Founding | undefined, opened: (opened: Opened) => void): void {
  const floor = store.ceiling
  const ceiling = higherCeiling(floor, raisedAtOpening(floor))
  const raised = ceilingWrite(ceiling)
  const synced = (): void => opened({ floor, ceiling })
  if (founding === undefined) store.write([raised], synced)
  else if (!founding.isAnew) store.write([firstConfig(codec, founding, 0), raised], synced)
  else store.replaceConfigs([firstConfig(codec, founding, store.newestEpoch + 1), raised], synced)
}

/**
 * A network that begins anew goes on with the next epoch, so that what is in doubt keeps its place
 * among the ballots: this peer finishes it by itself, as it would have with the others.
 */
function firstConfig(codec: Codec, { networkId, clusterId, founder, isAnew, minPeers, protocolMin }: Founding, epoch: number): Persist {
  const clusters = new Map([[clusterId, [founder]]])
  const config: Config = { networkId, epoch, clusters, forming: !isAnew && minPeers > 1, protocolMin }
  return chosenWrite(configKey(epoch), configRecord(codec, config), new Uint8Array(HASH_BYTES))
}
