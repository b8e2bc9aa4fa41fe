/**
 * A log within a program: a peer of its own, whose store is the program's. It translates and decides
 * nothing, and opens no port but the one that peers speak to one another on.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { CallRefused } from '../facades/nexus/refusals.ts'
import { NexusService } from '../facades/nexus/service.ts'
import { startPeer } from '../peer/start-peer.ts'
import type { RunningPeer } from '../peer/start-peer.ts'
import type { OfferedStore } from '../ports/log-store.ts'
import { Reloads } from '../reloads.ts'
import { createLogger } from '../telemetry/logger.ts'
import { utf8 } from '../bytes.ts'
import { LogRefused } from './log-refused.ts'
import { settingsOf } from './settings.ts'
import type { OpenLogInit } from './settings.ts'

/** How long a command or a query may take, unless it is said. */
const TIMEOUT_MS = 10_000
/** Between looks at whether the log is served. */
const LOOK_MS = 50

export interface CallOptions {
  /** The longest that it may take, in milliseconds; 10,000 unless said. */
  readonly timeoutMs?: number
  /** Whoever asked is gone. A command that was sent may still take effect. */
  readonly signal?: AbortSignal
}

export interface SaveOptions extends CallOptions {
  /**
   * Names the command, 1 to 128 visible characters of ASCII: it takes effect once, however often it
   * is sent, at whatever peer. Without it a command that is in doubt has a name too, which the error
   * tells.
   */
  readonly id?: string
  /** As the error of an earlier try told it; 0 unless said. */
  readonly since?: number
}

export interface LoadOptions extends CallOptions {
  /** `linearizable` unless said: nothing older than the call. `local`: what is here, which may be old. */
  readonly consistency?: 'linearizable' | 'local'
}

export interface LogMember {
  /** A peer id. */
  readonly id: string
  /** A multiaddr, or the peer id where none is known. */
  readonly url: string
  readonly status: 'leader' | 'candidate' | 'follower' | 'offline' | 'unknown'
}

export interface ReplicatedLog {
  /** The peer id of this member. @throws Error before it is started */
  readonly id: string
  /**
   * Starts the peer. Once 3 of them, or as many as `minPeers` says, keep a store for the log, it is
   * born.
   *
   * @throws Error of one line when it cannot start
   */
  start(): Promise<void>
  /** Waits until the log is born and served here. @throws what aborts the signal */
  ready(signal?: AbortSignal): Promise<void>
  /**
   * Orders a command, and waits until a store has applied it.
   *
   * @returns the result, as JSON
   * @throws LogRefused
   */
  save(command: string | Uint8Array, options?: SaveOptions): Promise<Uint8Array>
  /** Asks the store. @returns the result, as JSON. @throws LogRefused */
  load(query: string | Uint8Array, options?: LoadOptions): Promise<Uint8Array>
  /**
   * Makes a peer a member.
   *
   * @param url a peer id, a multiaddr of the peer, or `http://HOST:PORT` where it listens
   * @returns true when it is so, false when it is still under way
   * @throws LogRefused
   */
  addMember(url: string, options?: CallOptions): Promise<boolean>
  /** As above, of a member that is to leave. */
  removeMember(url: string, options?: CallOptions): Promise<boolean>
  /** All members. @throws LogRefused */
  listMembers(): Promise<readonly LogMember[]>
  /** Finishes what was begun, and ends the peer. */
  stop(): Promise<void>
}

/**
 * Opens nothing yet: `start` does.
 *
 * @throws Error of one line for a setting that will not do
 */
export function openLog(init: OpenLogInit): ReplicatedLog {
  const config = settingsOf(init)
  const failed =
    init.failed ??
    ((error: Error) => {
      // Nothing more may be answered: whoever does not say what to do then ends.
      setImmediate(() => {
        throw error
      })
    })
  const start = (): Promise<RunningPeer> =>
    startPeer({
      config,
      logger: createLogger(config.logLevel),
      reloads: new Reloads(),
      print: () => undefined,
      stores: new Map<string, OfferedStore>([[init.name, init.store]]),
      failed,
    })
  return new OwnLog(init.name, start)
}

class OwnLog implements ReplicatedLog {
  readonly #name: string
  readonly #open: () => Promise<RunningPeer>
  #opening: Promise<RunningPeer> | undefined
  #peer: RunningPeer | undefined

  constructor(name: string, open: () => Promise<RunningPeer>) {
    this.#name = name
    this.#open = open
  }

  get id(): string {
    return this.#running.peerId
  }

  async start(): Promise<void> {
    if (this.#opening !== undefined) throw new Error('it was started before')
    this.#opening = this.#open()
    this.#peer = await this.#opening
  }

  async ready(signal?: AbortSignal): Promise<void> {
    while ((await this.#service.serving()) !== 'SERVING') await delay(LOOK_MS, undefined, { signal })
  }

  async save(command: string | Uint8Array, { id, since = 0, ...options }: SaveOptions = {}): Promise<Uint8Array> {
    const args: Record<string, Uint8Array> = id === undefined ? {} : { id: utf8.encode(id) }
    const { resData } = await told(this.#service.save({ data: bytesOf(command), args }, callOf(options, since)))
    return resData
  }

  async load(query: string | Uint8Array, { consistency = 'linearizable', ...options }: LoadOptions = {}): Promise<Uint8Array> {
    const args = { consistency: utf8.encode(consistency) }
    const { resData } = await told(this.#service.load({ data: bytesOf(query), args }, callOf(options)))
    return resData
  }

  async addMember(url: string, options: CallOptions = {}): Promise<boolean> {
    const { message } = await told(this.#service.addNode({ nodeUrl: url }, callOf(options)))
    return message === ''
  }

  async removeMember(url: string, options: CallOptions = {}): Promise<boolean> {
    const { message } = await told(this.#service.removeNode({ nodeUrl: url }, callOf(options)))
    return message === ''
  }

  async listMembers(): Promise<readonly LogMember[]> {
    const { nodes } = await told(this.#service.listNodes())
    return Object.values(nodes).map(({ nodeName, nodeUrl, status }) => ({
      id: nodeName,
      url: nodeUrl,
      status: status.toLowerCase() as LogMember['status'],
    }))
  }

  async stop(): Promise<void> {
    // What kept it from starting was told to whoever started it.
    const peer = await this.#opening?.catch(() => undefined)
    await peer?.stop()
  }

  get #running(): RunningPeer {
    if (this.#peer === undefined) throw new Error('the log is not started')
    return this.#peer
  }

  /** Over the peer as it is now. */
  get #service(): NexusService {
    const running = this.#running
    return new NexusService({ logs: running.logs, log: this.#name, peers: () => running.peers(), database: undefined })
  }
}

function callOf({ timeoutMs = TIMEOUT_MS, signal }: CallOptions, since = 0): Parameters<NexusService['save']>[1] {
  return { timeoutMs, signal: signal ?? new AbortController().signal, since, tellSince: () => undefined }
}

async function told<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    throw error instanceof CallRefused ? new LogRefused(error) : error
  }
}

function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === 'string' ? utf8.encode(text) : text
}
