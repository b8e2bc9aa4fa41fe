/**
 * The peers of a chaos run and what is being done to them. A peer is in the hands of one fault at a
 * time; links are bent apart from that. Whatever ends a peer without being asked for is remembered
 * as a violation.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Chance } from '../simulation/chance.ts'
import { placedAt } from '../process/far-apart.ts'
import type { Place } from '../process/far-apart.ts'
import type { Network, PeerProcess } from '../process/network.ts'
import { until } from '../process/network.ts'
import { CONTROL_NONE, CONTROL_VARIABLE, PLANTED_VARIABLE, PRELOAD, writeControl } from './control.ts'
import type { Control, Link } from './control.ts'
import { logOf } from './logs/dialects.ts'
import { PeerRedis } from './logs/redis.ts'
import { Namespace } from './namespaces.ts'
import type { ChaosOptions } from './options.ts'

/** A peer loads all of libp2p when it starts, several at a time on few cores. */
const START_MS = 90_000
const LOOK_MS = 50
const SHOWN_CHARACTERS = 1_500
/** Peers that each peer is told to join through, for a store that was lost knows nobody. */
const JOINED_THROUGH = 2

export type State = 'up' | 'starting' | 'paused' | 'down'

export class Member {
  readonly process: PeerProcess
  readonly namespace: Namespace | undefined
  readonly #controlPath: string
  state: State = 'down'
  /** In the hands of a fault. */
  isTaken = false
  /** Its store was damaged or lost, and it does not vote again yet. */
  isDamaged = false
  /**
   * The damage may lie where nobody has looked yet: it may end at any time, and must not be damaged
   * together with others.
   */
  mayFail = false
  peerId = ''
  /** Held against links as it began; by peer id. */
  links: Record<string, Link> = {}
  diskDelayMs = 0
  wallOffsetMs = 0
  /** The store of its log over Redis. */
  redis: PeerRedis | undefined

  constructor(process: PeerProcess, controlPath: string, namespace: Namespace | undefined) {
    this.process = process
    this.namespace = namespace
    this.#controlPath = controlPath
  }

  get name(): string {
    return this.process.name
  }

  /** Runs, and all its links are whole. */
  get isWhole(): boolean {
    return this.state === 'up' && Object.values(this.links).every((link) => !link.isCut && link.lossRate === 0)
  }

  /** @param hostOf where a peer is, by its id; used with namespaces only */
  tell(hostOf: (peerId: string) => string | undefined): void {
    const links = Object.entries(this.links)
    const bent = this.namespace === undefined ? links : links.filter(([, link]) => !link.isCut)
    const { diskDelayMs, wallOffsetMs } = this
    const control: Control = { ...CONTROL_NONE, links: Object.fromEntries(bent), diskDelayMs, wallOffsetMs }
    writeControl(this.#controlPath, control)
    const cut = links.filter(([, link]) => link.isCut).map(([peerId]) => hostOf(peerId))
    this.namespace?.cut(new Set(cut.filter((host) => host !== undefined)))
  }
}

export class Fleet {
  readonly members: Member[] = []
  /** Peers that ended by themselves, or not as they were told. */
  readonly violations: string[] = []
  readonly #network: Network
  readonly #options: ChaosOptions
  readonly #say: (text: string) => void
  readonly #changed: () => void
  #watching: NodeJS.Timeout | undefined
  #isOver = false

  constructor(network: Network, options: ChaosOptions, say: (text: string) => void, changed: () => void) {
    this.#network = network
    this.#options = options
    this.#say = say
    this.#changed = changed
  }

  /** Whom a client asks: mostly one that runs. */
  somebody(chance: Chance): Member {
    const up = this.members.filter(({ state }) => state === 'up')
    return chance.pick(up.length > 0 && chance.happens(0.9) ? up : this.members)
  }

  get clusterIds(): string[] {
    return [...new Set(this.members.map(({ process }) => process.clusterId))]
  }

  inCluster(clusterId: string): Member[] {
    return this.members.filter(({ process }) => process.clusterId === clusterId)
  }

  /** More than half of the clusters have more than half of their peers up, with whole links. */
  get hasQuorum(): boolean {
    const { clusterIds } = this
    const holding = clusterIds.filter((clusterId) => {
      const members = this.inCluster(clusterId)
      return members.filter((member) => member.isWhole && !member.isDamaged).length > members.length / 2
    })
    return holding.length > clusterIds.length / 2
  }

  /** Starts the whole network, and waits until every peer votes. */
  async begin(): Promise<void> {
    const { clusters, peersPerCluster } = this.#options
    for (let cluster = 1; cluster <= clusters; cluster += 1) {
      for (let index = 0; index < peersPerCluster; index += 1) await this.#add(clusterOf(cluster))
    }
    const voters = this.members.map(({ process }) => process)
    await Promise.all(voters.map((peer) => peer.served(START_MS)))
    for (const member of this.members) {
      member.peerId = member.process.peerId
      member.state = 'up'
    }
    this.#joinThroughOthers()
    await until('every peer votes', () => this.isComplete(), START_MS)
    this.#watching = setInterval(() => this.#watch(), LOOK_MS)
  }

  /** Starts no peer any more, and looks after none. */
  end(): void {
    this.#isOver = true
    clearInterval(this.#watching)
  }

  /** Ends what runs beside the peers. */
  async close(): Promise<void> {
    this.end()
    for (const { redis } of this.members) await redis?.close()
  }

  async #add(clusterId: string): Promise<void> {
    const namespace = this.#options.namespaces ? await Namespace.create(this.members.length + 1) : undefined
    const far = this.#farAway(clusterId)
    const host = namespace?.host ?? far?.host
    const peer = await this.#network.add({
      clusterId,
      ...(host !== undefined && { host }),
      ...(namespace !== undefined && { wrapper: namespace.wrapper }),
    })
    if (this.#isOver) return
    const controlPath = `${peer.directory}.control.json`
    const member = new Member(peer, controlPath, namespace)
    const [first] = this.members
    this.members.push(member)
    member.diskDelayMs = this.#options.diskDelayMs
    this.tell(member)
    const { planted, logs } = this.#options
    if (logs.includes('redis')) member.redis = await PeerRedis.start(`${peer.directory}.redis`, namespace?.wrapper ?? [])
    const environment = {
      [CONTROL_VARIABLE]: controlPath,
      NODE_COMPILE_CACHE: join(this.#network.directory, 'compiled'),
      ...(planted !== undefined && { [PLANTED_VARIABLE]: planted }),
      ...far?.environment,
    }
    const flags = [...(first === undefined ? [] : ['-peer', first.process.address]), ...this.#logFlags(member)]
    peer.options = { ...peer.options, flags, environment, nodeFlags: ['--import', PRELOAD, ...(far?.nodeFlags ?? [])] }
    member.state = 'starting'
    peer.spawn()
    if (first === undefined) await peer.served(START_MS)
  }

  /**
   * Where the next peer is, and how far from it those of other clusters are; undefined where all
   * are near.
   */
  #farAway(clusterId: string): Place | undefined {
    const { clusters, peersPerCluster, farMs, namespaces } = this.#options
    if (farMs === 0) return undefined
    const farthest = clusterOf(clusters)
    const hostOf = (number: number): string => (namespaces ? Namespace.hostOf(number) : `127.0.${number}.1`)
    const numbers = Array.from({ length: clusters * peersPerCluster }, (_, index) => index + 1)
    const rtts = numbers.map((number) => {
      const other = clusterOf(Math.ceil(number / peersPerCluster))
      const isFar = other !== clusterId && (other === farthest || clusterId === farthest)
      return [hostOf(number), isFar ? 2 * farMs : 0] as const
    })
    return placedAt(hostOf(this.members.length + 1), Object.fromEntries(rtts))
  }

  /**
   * From the second start on. The first peer too, which would found another network if it lost its
   * disk.
   */
  #joinThroughOthers(): void {
    const addresses = this.members.map(({ process }) => process.address)
    for (const [index, { process }] of this.members.entries()) {
      const others = Array.from({ length: JOINED_THROUGH }, (_, step) => addresses[(index + step + 1) % addresses.length] ?? '')
      const flags = [...others.flatMap((address) => ['-peer', address]), ...this.#logFlags(this.members[index] as Member)]
      process.options = { ...process.options, flags }
    }
  }

  #logFlags(member: Member): string[] {
    return this.#options.logs.flatMap((kind) => ['-log', `${logOf(kind)}=${kind === 'redis' ? member.redis?.url : `${kind}:`}`])
  }

  /** Every peer runs, votes and sees the same finished config. */
  async isComplete(): Promise<boolean> {
    if (this.members.some(({ state }) => state !== 'up')) return false
    const views = await Promise.all(this.members.map(({ process }) => process.client.status()))
    return views.every((view) => view.role === 'voter' && view.ready && !view.changing && view.epoch === views[0]?.epoch)
  }

  async kill(member: Member): Promise<void> {
    this.#becomes(member, 'down')
    await member.process.kill()
  }

  pause(member: Member): void {
    if (!member.process.isRunning) return
    this.#becomes(member, 'paused')
    member.process.signal('SIGSTOP')
  }

  resume(member: Member): void {
    if (!member.process.isRunning) return
    member.process.signal('SIGCONT')
    this.#becomes(member, 'up')
  }

  /** SIGTERM; it must end with 0. */
  async stop(member: Member): Promise<void> {
    if (!member.process.isRunning) return
    this.#becomes(member, 'down')
    const { code, signal } = await member.process.stop()
    if (code !== 0) this.#ended(member, `was told to stop and ended with ${signal ?? code}`)
  }

  /** Starts it again. A peer with a damaged store that ends instead loses the store. */
  async start(member: Member): Promise<void> {
    if (this.#isOver || member.process.isRunning || member.state === 'starting') return
    this.#becomes(member, 'starting')
    member.process.spawn()
    const { process } = member
    await until(
      `${member.name} serves again`,
      () => process.lines.some((line) => line.startsWith('HTTP listening')) || !process.isRunning,
      START_MS,
    )
    if (process.isRunning) return this.#becomes(member, 'up')
    this.#becomes(member, 'down')
    const { code, signal } = await process.ended()
    if (!member.mayFail) return this.#ended(member, `did not start again: ${signal ?? code}`)
    this.#say(`${member.name} refused its damaged store (${signal ?? code}), and loses it`)
    this.loseStore(member)
    await this.start(member)
  }

  /**
   * The disk is lost, and the peer's key is not: it was kept elsewhere, as one should. The peer
   * does not run.
   */
  loseStore(member: Member): void {
    rmSync(join(member.process.directory, 'store'), { recursive: true, force: true })
    member.isDamaged = true
    member.mayFail = false
  }

  /** The damaged vote again, in a config that all have. */
  async noteRecovered(): Promise<void> {
    if (!this.members.some(({ isDamaged }) => isDamaged) || !(await this.isComplete())) return
    for (const member of this.members) member.isDamaged = false
    this.#changed()
  }

  /** What went wrong with a peer, and the end of its log. */
  #ended(member: Member, what: string): void {
    this.violations.push(`${member.name} ${what}\n${member.process.log.slice(-SHOWN_CHARACTERS)}`)
  }

  /** Takes up peers that ended by themselves. */
  #watch(): void {
    for (const member of this.members) {
      if (member.process.isRunning || (member.state !== 'up' && member.state !== 'paused')) continue
      this.#becomes(member, 'down')
      if (!member.mayFail) this.#ended(member, 'ended by itself')
      void this.#revive(member)
    }
  }

  async #revive(member: Member): Promise<void> {
    const wasTaken = member.isTaken
    member.isTaken = true
    await this.start(member).catch((error: unknown) => this.#ended(member, String(error)))
    member.isTaken = wasTaken
  }

  #becomes(member: Member, state: State): void {
    member.state = state
    this.#changed()
  }

  /** All links whole, all clocks right, disks as fast as they are. */
  restoreSurroundings(): void {
    for (const member of this.members) {
      member.links = {}
      member.diskDelayMs = CONTROL_NONE.diskDelayMs
      member.wallOffsetMs = CONTROL_NONE.wallOffsetMs
      this.tell(member)
    }
    this.#changed()
  }

  /** Has a member and the network around it do as it is set now. */
  tell(member: Member): void {
    member.tell((peerId) => this.members.find((other) => other.peerId === peerId)?.namespace?.host)
    this.#changed()
  }
}

/** @param number from 1 on */
function clusterOf(number: number): string {
  return `cluster-${number}`
}
