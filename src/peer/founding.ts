/** What a store must hold before its peer may speak: config 0, if it founds a network, and a ceiling raised for this opening. */
import { higherCeiling } from '../../protocols/base/ballot.ts'
import type { Ceiling } from '../../protocols/base/ballot.ts'
import type { ClusterId, Identity, NetworkId } from '../../protocols/base/identity.ts'
import { configKey } from '../../protocols/base/register.ts'
import { configRecord } from '../../protocols/config/chain.ts'
import type { Config } from '../../protocols/config/config.ts'
import { PROTOCOL_VERSION } from '../../protocols/config/config.ts'
import type { Persist } from '../../protocols/effects.ts'
import { raisedAtOpening } from '../../protocols/register/rounds.ts'
import { HASH_BYTES } from '../../protocols/repair/tree.ts'
import type { Codec } from '../../protocols/wire/codec.ts'
import type { Storage } from '../ports/storage.ts'

export interface Founding {
  readonly networkId: NetworkId
  readonly clusterId: ClusterId
  readonly founder: Identity
  readonly minPeers: number
}

export interface Opened {
  /** What the ceiling was: memory of promises at or below it is lost. */
  readonly floor: Ceiling
  /** What it is from now on, on disk. */
  readonly ceiling: Ceiling
}

/**
 * Raises the ceiling, and writes config 0 where a network is founded, in one synced transaction.
 *
 * @param founding undefined for a peer that joins, or comes back
 */
export async function openForUse(storage: Storage, codec: Codec, founding: Founding | undefined): Promise<Opened> {
  const floor = storage.ceiling()
  const ceiling = higherCeiling(floor, raisedAtOpening(floor))
  const writes: Persist[] = [{ kind: 'ceiling', ceiling }]
  if (founding !== undefined) writes.unshift(firstConfig(codec, founding))
  await storage.write(writes)
  return { floor, ceiling }
}

function firstConfig(codec: Codec, { networkId, clusterId, founder, minPeers }: Founding): Persist {
  const clusters = new Map([[clusterId, [founder]]])
  const config: Config = { networkId, epoch: 0, clusters, forming: minPeers > 1, protocolMin: PROTOCOL_VERSION }
  return { kind: 'chosen', key: configKey(0), record: configRecord(codec, config), digest: new Uint8Array(HASH_BYTES) }
}
