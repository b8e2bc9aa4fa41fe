/** What a store must hold before its peer may speak: the first config of a network that it begins, and a ceiling raised for this opening. */
import { higherCeiling } from '../../protocols/base/ballot.ts'
import type { Ceiling } from '../../protocols/base/ballot.ts'
import type { ClusterId, Identity, NetworkId } from '../../protocols/base/identity.ts'
import { configKey } from '../../protocols/base/register.ts'
import { configRecord } from '../../protocols/config/chain.ts'
import type { Config } from '../../protocols/base/config.ts'
import { PROTOCOL_VERSION } from '../../protocols/base/config.ts'
import { ceilingWrite, chosenWrite } from '../../protocols/base/persist.ts'
import type { Persist } from '../../protocols/base/persist.ts'
import { raisedAtOpening } from '../../protocols/agreement/rounds.ts'
import { HASH_BYTES } from '../../protocols/base/hash-tree.ts'
import type { Codec } from '../../protocols/wire/codec.ts'
import type { Storage } from '../ports/storage.ts'

/** A network that begins with this peer alone. */
export interface Founding {
  readonly networkId: NetworkId
  readonly clusterId: ClusterId
  readonly founder: Identity
  /** What the store holds is kept, and the network that it was of is given up. */
  readonly isAnew: boolean
  readonly minPeers: number
}

export interface Opened {
  /** What the ceiling was: memory of promises at or below it is lost. */
  readonly floor: Ceiling
  /** What it is from now on, on disk. */
  readonly ceiling: Ceiling
}

/**
 * Raises the ceiling, and writes the first config where a network begins, in one synced transaction.
 *
 * @param founding undefined for a peer that joins, or comes back
 */
export async function openForUse(storage: Storage, codec: Codec, founding: Founding | undefined): Promise<Opened> {
  const floor = storage.ceiling()
  const ceiling = higherCeiling(floor, raisedAtOpening(floor))
  const raised: Persist = ceilingWrite(ceiling)
  if (founding === undefined) await storage.write([raised])
  else if (!founding.isAnew) await storage.write([firstConfig(codec, founding, 0), raised])
  else await storage.replaceConfigs([firstConfig(codec, founding, storage.newestEpoch() + 1), raised])
  return { floor, ceiling }
}

/**
 * A network that begins anew goes on with the next epoch, so that what is in doubt keeps its place among the ballots: this peer
 * finishes it by itself, as it would have with the others.
 */
function firstConfig(codec: Codec, { networkId, clusterId, founder, isAnew, minPeers }: Founding, epoch: number): Persist {
  const clusters = new Map([[clusterId, [founder]]])
  const config: Config = { networkId, epoch, clusters, forming: !isAnew && minPeers > 1, protocolMin: PROTOCOL_VERSION }
  return chosenWrite(configKey(epoch), configRecord(codec, config), new Uint8Array(HASH_BYTES))
}
