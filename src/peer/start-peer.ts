/**
 * Puts one peer together: the one place that names concrete adapters. Opened in the order that each
 * part rests on; closed in reverse.
 */
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { PrivateKey } from '@libp2p/interface'
import type { Logger } from 'pino'
import { identity } from '../../protocols/base/identity.ts'
import type { NetworkId, PeerId } from '../../protocols/base/identity.ts'
import { protocolOf } from '../../protocols/types.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import { utf8 } from '../bytes.ts'
import type { Settings } from '../settings/settings.ts'
import { VERSION } from '../settings/version.ts'
import { Discovery } from '../discovery/discovery.ts'
import { localDiscovery } from '../discovery/local.ts'
import { createHealthServer } from '../http/health-server.ts'
import { createHttpServer } from '../http/server.ts'
import type { ForeignHost } from '../network/host.ts'
import { createNetwork } from '../network/network.ts'
import type { OfferedStore } from '../ports/log-store.ts'
import type { Logs } from '../ports/logs.ts'
import type { PeerView, Readiness } from '../ports/replicator.ts'
import type { Storage } from '../ports/storage.ts'
import type { Reloads } from '../reloads.ts'
import type { Tell } from '../service-manager.ts'
import { systemClock, systemRandom } from '../runtime/clock.ts'
import { addressLines, httpLine, newNetworkLine, waitingLine } from '../start-up.ts'
import { openDataDirectory } from '../storage/directory.ts'
import type { DataDirectory } from '../storage/directory.ts'
import { isDamage } from '../storage/errors.ts'
import { noteDamage, noteOpened } from '../storage/examine.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { announceProgress } from './announce.ts'
import { openClientRoom } from './client-room.ts'
import { createRuntime, handlers, readings } from './core-runtime.ts'
import { openClientDoors } from './doors.ts'
import { keepDropped } from './dropped.ts'
import { openForUse } from './founding.ts'
import { KeyFeed } from './key-feed.ts'
import { Lag } from './lag.ts'
import { tellOtherNetwork } from './other-network.ts'
import { openLogStores } from './log-stores.ts'
import { withKafkaLogs } from './kafka-logs.ts'
import { logsOver } from './logs.ts'
import { openHttpDoors } from './http-doors.ts'
import { openOffload } from './offloading.ts'
import { assertMayFound, givenUp, openStore } from './opening.ts'
import { Joining } from './joining.ts'
import { peerAudit } from './peer-audit.ts'
import { RememberedFacts } from './remembered.ts'
import { watchRoom } from './room.ts'
import { PeerService } from './service.ts'
import { registersOver } from './registers.ts'
import { setsOver } from './sets.ts'
import { toldToStatsd } from './statsd.ts'
import { furtherTypes } from './types.ts'
import { Warnings } from './warnings.ts'

/** Of a peer that was not told to listen on loopback alone. */
const LOOPBACK_ALONE = 'this machine has no address but loopback: no other machine can reach this peer; see -listen and -announce'

export interface RunningPeer {
  /** Where it serves HTTP, if it does. */
  readonly url: string | undefined
  /** Absolute. */
  readonly dataDirectory: string
  readonly peerId: PeerId
  readonly logs: Logs
  peers(): readonly PeerView[]
  /** Null until it has joined one, or begun it. */
  networkId(): string | null
  readonly readiness: () => Readiness
  /** Finishes what was begun, 10 s at most, and closes everything. */
  stop(): Promise<void>
}

/** Somebody else's libp2p, and the key that it runs by. */
export interface Hosting {
  readonly host: ForeignHost
  readonly privateKey: PrivateKey
}

/** What a peer is started with. */
export interface PeerInit {
  readonly config: Settings
  /** What is joined in the place of a libp2p of its own. */
  readonly hosting?: Hosting
  readonly logger: Logger
  /** Where parts that read files register to read them again. */
  readonly reloads: Reloads
  /** Where the lines of the start go. */
  readonly print: (lines: readonly string[]) => void
  /** Stores of the program around it, by the names of logs. */
  readonly stores?: ReadonlyMap<string, OfferedStore>
  /** Tells whoever manages services how far the peer is. */
  readonly tell?: Tell
  /**
   * Called when the peer cannot go on: the process must end at once, for nothing more may be
   * answered.
   */
  readonly failed: (error: Error) => void
}

/** What a peer is opened with. */
interface Start extends PeerInit {
  /** A network to begin with what the store holds, whatever it was of before. */
  readonly anew: NetworkId | undefined
  /** Has the peer end, and start again with the network of this id begun. */
  readonly restart: (networkId: NetworkId) => void
}

/** What a peer was put together to. */
interface Assembled extends Omit<RunningPeer, 'stop' | 'dataDirectory'> {
  /** That HTTP is served on, if it is. */
  readonly httpPort: number | undefined
}

/** A peer that runs. */
type OpenPeer = Assembled & RunningPeer

interface Opening extends Start {
  readonly directory: DataDirectory
  readonly storage: Storage
  readonly codec: Codec
  readonly metrics: Metrics
  readonly warnings: Warnings
}

/**
 * Starts a peer and says its start-up lines.
 *
 * @throws with one clear line when it cannot start; nothing is left open then
 */
export async function startPeer(init: PeerInit): Promise<RunningPeer> {
  const { config, logger, failed } = init
  let isStopping = false
  const restart = (networkId: NetworkId): void => {
    peer = peer.then((before) => beginAgain(before, networkId))
    peer.then((after) => (running = after), failed)
  }
  const start = { ...init, anew: undefined, restart }
  const beginAgain = async (before: OpenPeer, networkId: NetworkId): Promise<OpenPeer> => {
    logger.warn({ networkId }, 'giving up the network and beginning another with what is held')
    await before.stop()
    if (isStopping) return before
    // The same place, whatever it was called: whoever waits for the answer looks for it there.
    const { dataDirectory, httpPort: port } = before
    const http = config.http && port !== undefined ? { ...config.http, port } : undefined
    return openPeer({ ...start, config: { ...config, http, dataDirectory, networkId }, anew: networkId })
  }
  let peer = openTwice(start)
  // With another network the same peer goes on: who it is and what it offers is asked of the one
  // that runs.
  let running = await peer
  return {
    get peerId() {
      return running.peerId
    },
    get url() {
      return running.url
    },
    get dataDirectory() {
      return running.dataDirectory
    },
    readiness: () => running.readiness(),
    get logs() {
      return running.logs
    },
    peers: () => running.peers(),
    networkId: () => running.networkId(),
    stop: async () => {
      isStopping = true
      await (await peer).stop()
    },
  }
}

async function openTwice(start: Start): Promise<OpenPeer> {
  try {
    return await openPeer(start)
  } catch (error) {
    if (!isDamage(error)) throw error
    // The store was given up with a word of why: now it is put aside.
    return openPeer(start)
  }
}

async function openPeer(start: Start): Promise<OpenPeer> {
  const { config, logger, failed } = start
  const { clusterId, dataDirectory } = config
  const workingDirectory = process.cwd()
  const warnings = new Warnings()
  const directory = await openDataDirectory({
    clusterId,
    workingDirectory,
    warn: (warning) => {
      logger.warn(warning)
      warnings.add(warning)
    },
    directory: dataDirectory,
    httpPort: config.http?.port === 0 ? undefined : config.http?.port,
  })
  const closers: (() => Promise<void>)[] = [() => directory.close()]
  const stop = async (): Promise<void> => {
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close()
  }
  try {
    const codec = new Codec(utf8)
    const storage = await openStore({ directory, codec, logger, warnings })
    closers.push(() => storage.close())
    const broken = (error: Error): void => failed(givenUp(directory, error))
    const unwatch = directory.watch(broken)
    closers.push(async () => unwatch())
    const assembled = await assemble({ ...start, directory, storage, codec, metrics: createMetrics(), warnings, failed: broken }, closers)
    return { ...assembled, stop, dataDirectory: directory.path }
  } catch (error) {
    if (isDamage(error)) noteDamage(directory.storePath, error.message)
    await stop()
    throw error
  }
}

async function assemble(opening: Opening, closers: (() => Promise<void>)[]): Promise<Assembled> {
  const { config, logger, directory, storage, codec, metrics, warnings, anew, print, hosting } = opening
  const privateKey = await keyOf(directory, hosting?.privateKey)
  const self = identity(peerIdFromPrivateKey(privateKey).toString() as PeerId, storage.facts.incarnation)
  if (founds(config, storage)) await assertMayFound(directory)
  const types = furtherTypes(config)
  const newNetwork = anew ?? (founds(config, storage) ? (systemRandom.id() as NetworkId) : undefined)
  const { clusterId, minPeers } = config
  const founding = newNetwork && {
    networkId: newNetwork,
    clusterId,
    founder: self,
    isAnew: anew !== undefined,
    minPeers,
    protocolMin: protocolOf(types),
  }
  const opened = await openForUse(storage, codec, founding)
  const joining = await Joining.open({ ...opening, self: self.peerId })
  closers.push(async () => joining.close())
  const facts = await RememberedFacts.open(directory, logger, self.peerId, config.peerName)
  const discovery = new Discovery({ rendezvous: config.rendezvous, clusterId, protocolId: config.protocolId, logger })
  const doors = await openClientDoors({ ...opening, clock: systemClock })
  closers.push(async () => doors.close())
  const audited = peerAudit(doors.audit)
  const network = await createNetwork({
    privateKey,
    codec,
    logger,
    listen: config.listen,
    listenPorts: facts.listenPorts,
    announce: config.announce,
    protocolId: config.protocolId,
    secrets: joining.secrets,
    admitted: joining.admitted,
    host: hosting?.host,
    discovery: hosting === undefined ? discovery : undefined,
    localDiscovery: config.mdns ? localDiscovery(config.protocolId, config.rendezvous) : undefined,
    peers: [...config.peers, ...config.bootstrap],
    known: facts.knownPeers,
    events: {
      ...audited,
      refused: (peerId, reason, address, provedBy) => {
        warnings.refused(peerId, reason, systemClock.nowMs())
        tellOtherNetwork(opening, reason)
        audited.refused(peerId, reason, address, provedBy)
      },
      knownChanged: () => facts.changed(network),
    },
  })
  joining.follow(network)
  const feed = new KeyFeed(systemRandom.id())
  const runtime = createRuntime({ ...opening, types, feed, tokensFingerprint: doors.tokensFingerprint }, self, opened, network)
  await noteOpened(directory.storePath)
  const surroundings = {
    clock: systemClock,
    version: VERSION,
    names: facts.names,
    addresses: () => network.addresses(),
    ready: () => service.readiness().ready,
    warnings: () => [
      ...(network.isOnLoopbackAlone() ? [LOOPBACK_ALONE] : []),
      ...warnings.all(network.isClosed, systemClock.nowMs(), (peerId) => network.provedBy().has(peerId)),
      ...network.warnings(),
    ],
    failure: (peerId: PeerId) => network.failure(peerId),
    tokensFingerprint: doors.tokensFingerprint,
    secrets: () => network.secretFingerprints(),
    provedBy: () => network.provedBy(),
    lag: new Lag(),
  }
  const { tallies } = metrics
  const service = new PeerService({
    runtime,
    random: systemRandom,
    surroundings,
    restart: opening.restart,
    failed: opening.failed,
    putEnded: (kind) => (tallies.puts[kind] += 1),
    getEnded: (kind) => (tallies.gets[kind] += 1),
  })
  closers.push(() => runtime.stop())
  closers.push(async () => {
    await facts.close(network)
    await network.stop()
  })
  await network.start(handlers(runtime, network, facts.names))
  metrics.observe(() => readings(runtime, network))
  for (const [name, { figures = [] }] of runtime.core.types) metrics.observeType(name, figures)
  metrics.observeTraffic(network.counters)
  metrics.observeDht(discovery.counters)
  await watchRoom({ ...opening, runtime, lag: surroundings.lag }, closers)
  const { registry } = metrics
  const sets = setsOver(service.types)
  keepDropped({ types: service.types, directory: directory.path, logger, warnings }, closers)
  const all = withKafkaLogs(
    { config, directory: directory.path, self, logger, warnings, observe: (figures) => metrics.observeType('kafka', figures) },
    logsOver(service.types, systemRandom),
    closers,
  )
  const logs = toldToStatsd(all, { config, logger, warnings, peerId: self.peerId }, closers)
  openLogStores({ ...opening, types: service.types, directory: directory.path }, closers)
  await openOffload(
    {
      config,
      sets,
      clock: systemClock,
      logger,
      warnings,
      peerId: self.peerId,
      network: () => runtime.core.config?.networkId,
      observe: (figures) => metrics.observeType('set_redis', figures),
    },
    closers,
  )
  const init = { replicator: service, logger, registry, clock: systemClock, site: config }
  const { connections, full } = await openClientRoom(logger, warnings)
  const http = createHttpServer({
    ...init,
    sets,
    logs,
    registers: registersOver(service.types, systemRandom),
    feed,
    valueBytesMax: config.valueBytesMax,
    proxies: config.httpProxies,
    credentials: doors.credentials,
    audit: doors.audit,
    rate: doors.rate,
    load: { bounds: { connections } },
    connectionsFull: full,
    version: VERSION,
  })
  const bound = await openHttpDoors(
    {
      config,
      http,
      sets,
      logs,
      health: createHealthServer(init),
      logger,
      warnings,
      reloads: opening.reloads,
      rate: doors.rate,
      connectionsFull: full,
      directory: directory.path,
    },
    closers,
  )
  if (network.isOnLoopbackAlone()) logger.warn(LOOPBACK_ALONE)
  if (!network.isClosed) logger.warn('no -secret: anybody who can dial this peer may join the network')
  // In one write: who has read that HTTP listens has read the network as well.
  const founded = newNetwork === undefined ? [] : [newNetworkLine(newNetwork)]
  const served = bound === undefined ? [] : [httpLine(bound.url)]
  print([...addressLines(self.peerId, network.addresses()), ...served, ...founded])
  opening.tell?.({ isServing: true, status: waitingLine(config.minPeers) })
  await facts.listening(network)
  const isMember = storage.registers.newestEpoch() >= 0
  const progress = announceProgress({ ...opening, runtime, service, isMember })
  closers.push(async () => {
    progress.stop()
    service.stopping()
  })
  return {
    url: bound?.url,
    httpPort: bound?.port,
    peerId: self.peerId,
    logs,
    peers: () => service.peers(),
    networkId: () => service.status().networkId,
    readiness: () => service.readiness(),
  }
}

/** A network is founded by a peer that was told of none, on a store that has seen none. */
function founds(config: Settings, storage: Storage): boolean {
  const isTold = config.peers.length > 0 || config.bootstrap.length > 0 || config.networkId !== undefined
  return !isTold && storage.registers.newestEpoch() < 0
}

/**
 * The key that a data directory belongs to: the one that it was made with, the given one, or a new
 * one.
 *
 * @throws Error when another is given than it was made with
 */
export async function keyOf(directory: DataDirectory, given?: PrivateKey): Promise<PrivateKey> {
  const stored = await directory.readKey()
  const key = stored === undefined ? (given ?? (await generateKeyPair('Ed25519'))) : privateKeyFromProtobuf(stored)
  if (given !== undefined && !key.equals(given)) {
    const [its, other] = [key, given].map((one) => peerIdFromPrivateKey(one).toString())
    throw new Error(`the data directory ${directory.path} belongs to the peer ${its}, not to ${other}: give its key, or another directory`)
  }
  if (stored === undefined) await directory.writeKey(privateKeyToProtobuf(key))
  return key
}
