/**
 * Peers as separate processes on this machine, each with a data directory and ports of its own,
 * spoken to over HTTP.
 *
 * The sources are run, not dist: what is tested is then always the working tree, and a preload may
 * reach into a module by the same path.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT, withoutVariables } from '../../scripts/run.ts'
import { Client } from './client.ts'
import type { Reply } from './client.ts'

const MAIN = join(ROOT, 'src', 'main.ts')
/**
 * Below what the system hands out by itself, so that no connection takes a port between two starts
 * of its peer.
 */
const PORT_LEAST = 15_000
const PORT_COUNT = 15_000
/** A start loads all of libp2p, several at a time on few cores. */
const START_MS = 120_000
/** A peer lets requests finish for 10 s, and then closes its store. */
const STOP_MS = 60_000
const POLL_MS = 10
/** For what takes moments on a machine with nothing else to do. */
const UNTIL_MS = 60_000
/** How much of a log is shown when a peer does not do what it should. */
const SHOWN_CHARACTERS = 2_000

/**
 * Polls until the condition holds. An error of the condition counts as not yet, and is told when
 * time is over.
 */
export async function until(what: string, condition: () => boolean | Promise<boolean>, timeoutMs: number = UNTIL_MS): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs
  let failure: unknown
  for (;;) {
    try {
      if (await condition()) return
      failure = undefined
    } catch (error) {
      failure = error
    }
    if (performance.now() > deadlineMs) throw new Error(`not in ${timeoutMs} ms: ${what}`, { cause: failure })
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/** No key is in doubt at any of these peers, and all hold the same keys with the same values. */
export async function holdTheSame(peers: readonly PeerProcess[]): Promise<boolean> {
  const views = await Promise.all(peers.map((peer) => peer.client.status()))
  return views.every((view) => view.inDoubt === 0 && view.keys.root === views[0]?.keys.root)
}

export interface PeerOptions {
  readonly clusterId?: string
  /** The program; that of the sources when not given. */
  readonly main?: string
  readonly flags?: readonly string[]
  /** For Node itself, before the program: `--import` and the like. */
  readonly nodeFlags?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /**
   * A command that becomes the peer, as `ip netns exec`; none of it may stay as a process of its
   * own.
   */
  readonly wrapper?: readonly string[]
  /** Where it listens; 127.0.0.1 when not given. */
  readonly host?: string
  /** Instead of its port at that host; empty for no `-listen` at all. */
  readonly listen?: readonly string[]
}

/** How a process ended. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** One peer: the same directory, ports and flags from start to start. */
export class PeerProcess {
  readonly name: string
  readonly directory: string
  readonly httpPort: number
  readonly libp2pPort: number
  /** For the next start. */
  options: PeerOptions
  /** False: it finds a directory by itself, below the network's. */
  namesDirectory = true
  client: Client
  /** Of standard output, since the last start. */
  lines: string[] = []
  readonly #logPath: string
  #process: ChildProcess | undefined
  #ending: Promise<Ending> | undefined

  constructor(name: string, directory: string, ports: readonly [number, number], options: PeerOptions) {
    this.name = name
    this.directory = directory
    this.httpPort = ports[0]
    this.libp2pPort = ports[1]
    this.options = options
    this.client = new Client({ host: this.#host, port: this.httpPort })
    this.#logPath = `${directory}.log`
  }

  get clusterId(): string {
    return this.options.clusterId ?? 'cluster-1'
  }

  get peerId(): string {
    return this.#line('Host ID: ')
  }

  get networkId(): string {
    return this.#line('New network ')
  }

  get address(): string {
    return `/ip4/${this.#host}/tcp/${this.libp2pPort}/p2p/${this.peerId}`
  }

  /** By its operator socket, on a connection that nobody keeps. */
  async operate(path: string, body: object): Promise<Reply> {
    const operator = new Client({ socketPath: join(this.directory, 'operator.sock') })
    try {
      const headers = { 'Content-Type': 'application/json' }
      return await operator.ask('POST', path, { headers, body: JSON.stringify(body) })
    } finally {
      operator.close()
    }
  }

  /** Where it says that it is, since the last start. */
  get told(): readonly string[] {
    return this.lines.filter((line) => line.startsWith(' - ')).map((line) => line.slice(' - '.length))
  }

  get isRunning(): boolean {
    return this.#process !== undefined
  }

  get processId(): number {
    const processId = this.#process?.pid
    assert.ok(processId !== undefined, `${this.name} does not run`)
    return processId
  }

  /** All that it logged, of all its starts. */
  get log(): string {
    return readFileSync(this.#logPath, 'utf8')
  }

  /** Starts the process and waits until HTTP is served. */
  async start(): Promise<void> {
    this.spawn()
    await this.served()
  }

  /** Starts the process and waits for nothing. */
  spawn(): void {
    assert.ok(this.#process === undefined, `${this.name} runs already`)
    const log = openSync(this.#logPath, 'a')
    const { main = MAIN, nodeFlags = [], environment = {}, wrapper = [] } = this.options
    const [program = process.execPath, ...parameters] = [...wrapper, process.execPath, ...nodeFlags, main, ...this.#flags()]
    const directory = join(this.directory, '..', '..')
    const child = spawn(program, parameters, {
      cwd: directory,
      env: { ...cleanEnvironment(), HOME: directory, ...environment },
      stdio: ['ignore', 'pipe', log],
    })
    closeSync(log)
    this.#process = child
    this.lines = []
    let rest = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      this.lines.push(...lines)
    })
    this.#ending = once(child, 'close').then(([code, signal]) => {
      this.#process = undefined
      return { code: code as number | null, signal: signal as NodeJS.Signals | null }
    })
  }

  /** Waits for a line that begins so. */
  async printed(start: string, timeoutMs: number = START_MS): Promise<void> {
    await this.#during(`${this.name} prints ${start}`, () => this.lines.some((line) => line.startsWith(start)), timeoutMs)
  }

  /**
   * Waits until HTTP is served, and all was said that a peer says of itself: the line that follows
   * is awaited, because the lines before it may come in parts.
   */
  async served(timeoutMs: number = START_MS): Promise<void> {
    await this.printed('Waiting until ', timeoutMs)
  }

  /** Waits until it says that it is ready. */
  async ready(timeoutMs: number = START_MS): Promise<void> {
    await this.printed('Replicator ready', timeoutMs)
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.processId, signal)
  }

  /** -9, and waits for the end. Kept connections are let go: they lead to the process that was. */
  async kill(): Promise<void> {
    if (this.#process !== undefined) this.signal('SIGKILL')
    await this.ended()
  }

  /** SIGTERM, and waits for the end. */
  async stop(): Promise<Ending> {
    this.signal('SIGTERM')
    return this.ended()
  }

  /** Waits for the end of the process that was started last. */
  async ended(timeoutMs: number = STOP_MS): Promise<Ending> {
    assert.ok(this.#ending !== undefined, `${this.name} was never started`)
    await until(`${this.name} ends`, () => this.#process === undefined, timeoutMs)
    this.client.close()
    this.client = new Client({ host: this.#host, port: this.httpPort })
    return this.#ending
  }

  get #host(): string {
    return this.options.host ?? '127.0.0.1'
  }

  #flags(): string[] {
    const { flags = [] } = this.options
    const { listen = [`/ip4/${this.#host}/tcp/${this.libp2pPort}`] } = this.options
    const http = this.options.host === undefined ? String(this.httpPort) : `${this.#host}:${this.httpPort}`
    const data = this.namesDirectory ? ['-data', this.directory] : []
    return ['-cid', this.clusterId, '-http', http, ...listen.flatMap((line) => ['-listen', line]), ...data, ...flags]
  }

  #line(start: string): string {
    const line = this.lines.find((candidate) => candidate.startsWith(start))
    assert.ok(line !== undefined, `${this.name} has not printed ${start}`)
    return line.slice(start.length)
  }

  async #during(what: string, condition: () => boolean, timeoutMs: number): Promise<void> {
    try {
      await until(what, () => condition() || this.#process === undefined, timeoutMs)
      assert.ok(condition(), `${this.name} ended instead`)
    } catch (error) {
      const shown = `${this.lines.join('\n')}\n${this.log.slice(-SHOWN_CHARACTERS)}`
      throw new Error(`${(error as Error).message}\n${shown}`, { cause: error })
    }
  }
}

/** The peers of one test. Whoever makes one closes it, also when the test fails. */
export class Network {
  readonly peers: PeerProcess[] = []
  readonly directory: string
  readonly #lastResort: () => void
  readonly #ended: () => void
  /** Counted apart from the peers: tests that run side by side add some at the same time. */
  #lastNumber = 0

  private constructor(directory: string, endsOnSignal: boolean) {
    this.directory = directory
    this.#lastResort = () => this.#killAll()
    process.once('exit', this.#lastResort)
    // A test file that is ended from outside ends its peers too.
    this.#ended = () => process.exit(1)
    if (endsOnSignal) process.once('SIGTERM', this.#ended)
  }

  /** @param endsOnSignal false where whoever makes it closes it on SIGTERM too */
  static async create(endsOnSignal: boolean = true): Promise<Network> {
    return new Network(await mkdtemp(join(tmpdir(), 'replicator-process-')), endsOnSignal)
  }

  /** Makes a peer that is not started yet. */
  async add(options: PeerOptions = {}): Promise<PeerProcess> {
    this.#lastNumber += 1
    const name = `peer-${this.#lastNumber}`
    mkdirSync(join(this.directory, name))
    const peer = new PeerProcess(name, join(this.directory, name, 'data'), [await freePort(), await freePort()], options)
    this.peers.push(peer)
    return peer
  }

  /**
   * Adds and starts peers of one cluster that join through the first peer of the network; the very
   * first founds it.
   */
  async grow(clusterId: string, count: number, options: PeerOptions = {}): Promise<PeerProcess[]> {
    const added: PeerProcess[] = []
    for (let index = 0; index < count; index += 1) {
      const [first] = this.peers
      const through = first === undefined ? [] : ['-peer', first.address]
      const peer = await this.add({ ...options, clusterId, flags: [...through, ...(options.flags ?? [])] })
      added.push(peer)
      if (first === undefined) await peer.start()
      else peer.spawn()
    }
    await Promise.all(added.map((peer) => peer.served()))
    return added
  }

  /** Two clusters of three, ready, and all six of them voters. */
  static async ofTwoClusters(options: PeerOptions = {}): Promise<Network> {
    const network = await Network.create()
    try {
      await network.grow('cluster-1', 3, options)
      await network.grow('cluster-2', 3, options)
      await network.settled()
      return network
    } catch (error) {
      await network.close()
      throw error
    }
  }

  inCluster(clusterId: string): PeerProcess[] {
    return this.peers.filter((peer) => peer.clusterId === clusterId)
  }

  /** Every peer is ready and votes, no change is under way, and all see the same config. */
  async settled(peers: readonly PeerProcess[] = this.peers): Promise<void> {
    await Promise.all(peers.map((peer) => peer.ready()))
    await until(
      'every peer votes in one finished config',
      async () => {
        const views = await Promise.all(peers.map((peer) => peer.client.status()))
        return views.every((view) => view.role === 'voter' && !view.changing && view.epoch === views[0]?.epoch && view.ready)
      },
      START_MS,
    )
  }

  /** Ends every process and removes the directory. */
  async close(): Promise<void> {
    this.#killAll()
    for (const peer of this.peers) {
      if (peer.isRunning) await peer.ended()
      peer.client.close()
    }
    process.off('exit', this.#lastResort)
    process.off('SIGTERM', this.#ended)
    if (process.env['REPLICATOR_TEST_KEEP'] === undefined) await rm(this.directory, { recursive: true, force: true, maxRetries: 5 })
  }

  #killAll(): void {
    for (const peer of this.peers) if (peer.isRunning) peer.signal('SIGKILL')
  }
}

/** The environment of tests without variables that the program reads. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return withoutVariables(process.env, 'REPLICATOR_')
}

/**
 * Each process begins elsewhere, for test files run side by side; and none hands out a port twice,
 * for its peer may not listen yet.
 */
const PORTS_PER_PROCESS = 211
let lastPort = process.pid * PORTS_PER_PROCESS

/**
 * A port that nobody listens on, that the system hands to nobody by itself, and that was not handed
 * out here before.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    lastPort += 1
    const port = PORT_LEAST + (lastPort % PORT_COUNT)
    const server = createServer()
    const { promise, resolve } = Promise.withResolvers<boolean>()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    if (await promise) return port
  }
}
