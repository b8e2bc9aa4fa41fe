/** Puts one peer together: the one place that names concrete adapters. Opened in the order that each part rests on; closed in reverse. */
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { PrivateKey } from '@libp2p/interface'
import type { Logger } from 'pino'
import { identity } from '../../protocols/base/identity.ts'
import type { Identity, NetworkId, PeerId } from '../../protocols/base/identity.ts'
import type { Note } from '../../protocols/effects.ts'
import { PROTOCOL_VERSION } from '../../protocols/config/config.ts'
import { PeerCore } from '../../protocols/peer.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import { sha256, utf8 } from '../bytes.ts'
import type { Config } from '../config/config.ts'
import { VERSION } from '../config/version.ts'
import { Discovery } from '../discovery/discovery.ts'
import { createHttpServer } from '../http/server.ts'
import { createNetwork } from '../network/network.ts'
import type { Libp2pNetwork } from '../network/network.ts'
import type { Storage } from '../ports/storage.ts'
import type { TransportHandlers } from '../ports/transport.ts'
import { systemClock, systemRandom } from '../runtime/clock.ts'
import { Runtime } from '../runtime/runtime.ts'
import { addressLines, httpLine, newNetworkLine, printLines } from '../start-up.ts'
import { openDataDirectory } from '../storage/directory.ts'
import type { DataDirectory } from '../storage/directory.ts'
import { isDamage } from '../storage/errors.ts'
import { noteDamage, noteOpened } from '../storage/examine.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import type { Metrics, Readings } from '../telemetry/metrics.ts'
import { announceProgress } from './announce.ts'
import { openForUse } from './founding.ts'
import type { Opened } from './founding.ts'
import { assertMayFound, givenUp, openStore } from './opening.ts'
import { RememberedFacts } from './remembered.ts'
import { PeerService } from './service.ts'
import { Warnings } from './warnings.ts'
import { noteWriter, recallDivergences } from './notes.ts'

/** Requests begun are given this long when the peer stops. */
const STOP_GRACE_MS = 10_000

export interface RunningPeer {
  /** Finishes what was begun, 10 s at most, and closes everything. */
  stop(): Promise<void>
}

interface Opening {
  readonly config: Config
  readonly logger: Logger
  readonly failed: (error: Error) => void
  readonly directory: DataDirectory
  readonly storage: Storage
  readonly codec: Codec
  readonly metrics: Metrics
  readonly warnings: Warnings
}

/**
 * Starts a peer and prints its start-up lines.
 *
 * @param failed called when the peer cannot go on: the process must end at once, for nothing more may be answered
 * @throws with one clear line when it cannot start; nothing is left open then
 */
export async function startPeer(config: Config, logger: Logger, failed: (error: Error) => void): Promise<RunningPeer> {
  try {
    return await openPeer(config, logger, failed)
  } catch (error) {
    if (!isDamage(error)) throw error
    // The store was given up with a word of why: now it is put aside.
    return openPeer(config, logger, failed)
  }
}

async function openPeer(config: Config, logger: Logger, failed: (error: Error) => void): Promise<RunningPeer> {
  const { clusterId, dataDirectory } = config
  const workingDirectory = process.cwd()
  const directory = await openDataDirectory({
    clusterId,
    workingDirectory,
    ...(dataDirectory !== undefined && { directory: dataDirectory }),
  })
  const closers: (() => Promise<void>)[] = [() => directory.close()]
  const stop = async (): Promise<void> => {
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close()
  }
  try {
    const codec = new Codec(utf8)
    const warnings = new Warnings()
    const storage = await openStore({ directory, codec, logger, warnings })
    closers.push(() => storage.close())
    const broken = (error: Error): void => failed(givenUp(directory, error))
    await assemble({ config, logger, directory, storage, codec, metrics: createMetrics(), warnings, failed: broken }, closers)
    return { stop }
  } catch (error) {
    if (isDamage(error)) noteDamage(directory.storePath, error.message)
    await stop()
    throw error
  }
}

async function assemble(opening: Opening, closers: (() => Promise<void>)[]): Promise<void> {
  const { config, logger, directory, storage, codec, metrics, warnings } = opening
  const privateKey = await loadKey(directory)
  const self = identity(peerIdFromPrivateKey(privateKey).toString() as PeerId, storage.incarnation)
  if (founds(config, storage)) await assertMayFound(directory)
  const foundedNetwork = founds(config, storage) ? (systemRandom.id() as NetworkId) : undefined
  const founding = foundedNetwork && { networkId: foundedNetwork, clusterId: config.clusterId, founder: self, minPeers: config.minPeers }
  const opened = await openForUse(storage, codec, founding)
  const facts = await RememberedFacts.open(directory, logger)
  const network = await createNetwork({
    privateKey,
    codec,
    logger,
    listen: config.listen,
    preferredPort: facts.listenPort,
    announce: config.announce,
    protocolId: config.protocolId,
    secret: config.secret,
    discovery: new Discovery({ rendezvous: config.rendezvous, clusterId: config.clusterId, protocolId: config.protocolId, logger }),
    peers: [...config.peers, ...config.bootstrap],
    known: facts.knownPeers,
    events: {
      refused: (peerId, reason) => warnings.refused(peerId, reason),
      knownChanged: () => facts.changed(network),
    },
  })
  const runtime = createRuntime(opening, self, opened, network)
  await noteOpened(directory.storePath)
  const surroundings = {
    clock: systemClock,
    version: VERSION,
    addresses: () => network.addresses(),
    ready: () => service.readiness().ready,
    warnings: () => warnings.all(config.secret !== undefined),
  }
  const { tallies } = metrics
  const service = new PeerService({
    runtime,
    storage,
    random: systemRandom,
    surroundings,
    failed: opening.failed,
    putEnded: (kind) => (tallies.puts[kind] += 1),
    getEnded: (kind) => (tallies.gets[kind] += 1),
  })
  closers.push(() => runtime.stop())
  closers.push(async () => {
    await facts.close(network)
    await network.stop()
  })
  await network.start(handlers(runtime, network, config))
  metrics.observe(() => readings(runtime))
  metrics.observeTraffic(network.counters)
  const { registry } = metrics
  const http = createHttpServer({
    replicator: service,
    logger,
    registry,
    clock: systemClock,
    valueBytesMax: config.valueBytesMax,
    version: VERSION,
  })
  const { url } = await http.listen(config.http).catch((error: unknown) => {
    throw new Error(`cannot listen for HTTP on ${config.http.host}:${config.http.port}: ${text(error)}; choose another -http`)
  })
  closers.push(() => http.close(STOP_GRACE_MS))
  if (config.secret === undefined) logger.warn('no -secret: anybody who can dial this peer may join the network')
  printLines([...addressLines(self.peerId, network.addresses()), httpLine(url)])
  if (foundedNetwork !== undefined) printLines([newNetworkLine(foundedNetwork)])
  await facts.listening(network)
  const progress = announceProgress({ config, runtime, service, warnings, isMember: storage.newestEpoch() >= 0, failed: opening.failed })
  closers.push(async () => {
    progress.stop()
    service.stopping()
  })
}

/** A network is founded by a peer that was told of none, on a store that has seen none. */
function founds(config: Config, storage: Storage): boolean {
  const isTold = config.peers.length > 0 || config.bootstrap.length > 0 || config.networkId !== undefined
  return !isTold && storage.newestEpoch() < 0
}

async function loadKey(directory: DataDirectory): Promise<PrivateKey> {
  const stored = await directory.readKey()
  if (stored !== undefined) return privateKeyFromProtobuf(stored)
  const key = await generateKeyPair('Ed25519')
  await directory.writeKey(privateKeyToProtobuf(key))
  return key
}

function createRuntime(
  { config, logger, failed, storage, codec, metrics }: Opening,
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
        identity: self,
        clusterId: config.clusterId,
        minPeers: config.minPeers,
        wantedNetwork: config.networkId,
        registers,
        codec,
        sha256,
        random: () => systemRandom.number(),
        floor: opened.floor,
        ceiling: opened.ceiling,
        newestEpoch: storage.newestEpoch(),
        chosen: storage.chosen(),
        inDoubt: storage.inDoubt(),
        diverged: [...storage.diverged()].map(({ key }) => key),
        nowMs: systemClock.nowMs(),
      }),
    noted: (note: Note) => writeNote(note),
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

function handlers(runtime: Runtime, network: Libp2pNetwork, config: Config): TransportHandlers {
  const { core } = runtime
  return {
    connected: (remote) => runtime.dispatch({ kind: 'connected', remote }),
    disconnected: (peerId, reason) => runtime.dispatch({ kind: 'disconnected', peerId, reason }),
    message: (from, round, message) => runtime.dispatch({ kind: 'message', from, round, message }),
    isVoter: (peerId) => core.chain.voterOf(peerId) !== undefined,
    round: () => core.round,
    greeting: () => {
      return {
        protocolMin: PROTOCOL_VERSION,
        protocolMax: PROTOCOL_VERSION,
        networkId: core.chain.networkId,
        clusterId: core.clusterId,
        identity: core.identity,
        epoch: core.chain.epoch,
        ceiling: runtime.ceiling,
        minPeers: config.minPeers,
        addresses: network.addresses(),
      }
    },
  }
}

function readings({ core }: Runtime): Readings {
  return {
    epoch: core.chain.epoch,
    keyCount: core.chosen.tree.keyCount,
    keyBytes: core.chosen.bytes,
    inDoubtCount: core.doubts.size,
    connectedPeerCount: core.roster.connected().length,
  }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
