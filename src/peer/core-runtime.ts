/** The core of a peer in its loop, over the store and the network it was given. */
import type { Logger } from 'pino'
import type { Identity, PeerId } from '../../protocols/base/identity.ts'
import type { TypeDefinition } from '../../protocols/data-type.ts'
import type { Note } from '../../protocols/effects.ts'
import type { Opened } from '../../protocols/opening.ts'
import { PeerCore } from '../../protocols/peer.ts'
import type { Codec } from '../../protocols/wire/codec.ts'
import { sha256 } from '../bytes.ts'
import type { Settings } from '../settings/settings.ts'
import type { Libp2pNetwork } from '../network/network.ts'
import type { Storage } from '../ports/storage.ts'
import type { TransportHandlers } from '../ports/transport.ts'
import { systemClock, systemRandom } from '../runtime/clock.ts'
import { Runtime } from '../runtime/runtime.ts'
import type { Metrics, Readings } from '../telemetry/metrics.ts'
import type { KeyFeed } from './key-feed.ts'
import type { PeerNames } from './peer-names.ts'
import { noteWriter, recallDivergences } from './notes.ts'
import { whyNotAlive } from './views.ts'

export interface RuntimeParts {
  /** Told of each key that becomes known here. */
  readonly feed: KeyFeed
  readonly config: Settings
  readonly logger: Logger
  readonly failed: (error: Error) => void
  readonly storage: Storage
  readonly codec: Codec
  readonly metrics: Metrics
  readonly types: readonly TypeDefinition[]
  /** Of the token file in force; undefined without one. */
  readonly tokensFingerprint: () => string | undefined
}

/**
 * @param opened of the store, which is ready for use
 * @throws Error when the store is of another network than the one asked for
 */
export function createRuntime(
  { config, logger, failed, storage, codec, metrics, types, feed, tokensFingerprint }: RuntimeParts,
  self: Identity,
  opened: Opened,
  network: Libp2pNetwork,
): Runtime {
  const runtime: Runtime = new Runtime({
    storage,
    transport: network,
    clock: systemClock,
    createCore: (registers) =>
      new PeerCore({
        tables: registers,
        types,
        identity: self,
        clusterId: config.clusterId,
        minPeers: config.minPeers,
        wantedNetwork: config.networkId,
        replaceAfterMs: config.replaceAfterMs,
        areOffersMade: config.areOffersMade,
        registers,
        codec,
        sha256,
        random: () => systemRandom.number(),
        wallMs: () => systemClock.wallMs(),
        tokens: tokensFingerprint,
        floor: opened.floor,
        ceiling: opened.ceiling,
        newestEpoch: storage.registers.newestEpoch(),
        chosen: storage.registers.chosen(),
        inDoubt: storage.registers.inDoubt(),
        diverged: [...storage.registers.diverged()].map(({ key }) => key),
        nowMs: systemClock.nowMs(),
      }),
    noted: (note: Note) => writeNote(note),
    chosen: (key) => feed.synced(key),
    synced: (writes, elapsedMs) => metrics.persisted(writes, elapsedMs / 1_000),
    failed,
  })
  const writeNote = noteWriter(logger, metrics.tallies)
  recallDivergences(logger, metrics.tallies, storage)
  const wanted = config.networkId
  const held = runtime.core.config?.networkId
  if (wanted !== undefined && held !== undefined && wanted !== held) {
    throw new Error(`the data directory belongs to network ${held}, not to ${wanted}; use another -data or -network`)
  }
  return runtime
}

/** What the network hands over, and asks. */
export function handlers(runtime: Runtime, network: Libp2pNetwork, names: PeerNames): TransportHandlers {
  const { core } = runtime
  const name = names.of(core.identity.peerId)
  return {
    connected: (remote) => {
      names.learn(remote.identity.peerId, remote.name)
      runtime.dispatch({ kind: 'connected', remote })
    },
    disconnected: (peerId, reason) => runtime.dispatch({ kind: 'disconnected', peerId, reason }),
    message: (from, round, message) => runtime.dispatch({ kind: 'message', from, round, message }),
    isVoter: (peerId) => core.chain.voterOf(peerId) !== undefined,
    isRemoved: (peerId) => core.isRemoved(peerId),
    round: () => core.round,
    greeting: () => ({ ...core.greeting(runtime.ceiling, network.addresses()), ...(name !== undefined && { name }) }),
  }
}

/** For the metrics. */
export function readings({ core }: Runtime, network: Libp2pNetwork): Readings {
  const failure = (peerId: PeerId): string | undefined => network.failure(peerId)
  return {
    epoch: core.chain.epoch,
    keyCount: core.chosen.count,
    keyBytes: core.chosen.bytes,
    inDoubtCount: core.doubts.size,
    connectedPeerCount: core.roster.connected().length,
    unprovedConnectionCount: network.unprovedCount(),
    peers: [...core.roster.all()].map((peer) => ({ state: peer.state, reason: peer.state === 'alive' ? '' : whyNotAlive(peer, failure) })),
  }
}
