/**
 * One peer of a script: a process that runs the program as a user would, what it said, and its end.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { environment, ROOT, withoutVariables } from '../run.ts'

/** What `replicator` of the package stands for. The process started is the peer itself. */
export const PROGRAM = 'dist/src/main.js'
const POLL_MS = 20
/** A peer that was told to end, and has nothing to finish, takes a fraction of this. */
const STOP_MS = 5_000
/** How much of its log is shown when a peer has failed. */
const SHOWN_CHARACTERS = 2_000
const HOST_LINE = 'Host ID: '
const HTTP_LINE = 'HTTP listening on '
const ADDRESS_LINE = ' - '

/**
 * Polls until the condition gives something. Throws when the deadline passes, what the condition
 * throws, and the signal's reason.
 */
export async function until<T>(what: string, condition: () => T | undefined | Promise<T | undefined>, waiting: Waiting): Promise<T> {
  const deadlineMs = performance.now() + waiting.timeoutMs
  for (;;) {
    waiting.signal.throwIfAborted()
    const found = await condition()
    if (found !== undefined) return found
    if (performance.now() > deadlineMs) throw new Error(`waited ${waiting.timeoutMs / 1_000} s in vain: ${what}`)
    await delay(POLL_MS)
  }
}

export interface Waiting {
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export class DemoPeer {
  /** The cluster and the number in it, as `cluster-1/2`. */
  readonly name: string
  readonly clusterId: string
  /** How the process ended, in words; undefined while it runs. */
  ending: string | undefined
  readonly #directory: string
  readonly #number: number
  readonly #joins: string | undefined
  readonly #extra: readonly string[]
  readonly #lines: string[] = []
  readonly #logPath: string
  readonly #process: ChildProcess

  /**
   * Starts the process and waits for nothing.
   *
   * @param directory where it keeps its data and its log, in files named for the peer
   * @param joins multiaddr of a peer of its network; undefined for the one that founds it
   * @param extra further flags; with `-http` among them in the place of a free port
   */
  constructor(directory: string, clusterId: string, number: number, joins: string | undefined, extra: readonly string[] = []) {
    this.clusterId = clusterId
    this.#directory = directory
    this.#number = number
    this.#joins = joins
    this.#extra = extra
    this.name = `${clusterId}/${number}`
    const files = join(directory, `${clusterId}-${number}`)
    this.#logPath = `${files}.log`
    const http = extra.includes('-http') ? [] : ['-http', '0']
    const flags = ['-cid', clusterId, ...http, '-listen', '/ip4/127.0.0.1/tcp/0', '-data', files, ...extra]
    const log = openSync(this.#logPath, 'a')
    // In a group of its own: Ctrl-C is for the demo, which then ends its peers one way, whoever
    // told it to.
    this.#process = spawn(join(ROOT, PROGRAM), [...flags, ...(joins === undefined ? [] : ['-peer', joins])], {
      cwd: directory,
      env: withoutVariables(environment(), 'REPLICATOR_'),
      stdio: ['ignore', 'pipe', log],
      detached: true,
    })
    closeSync(log)
    this.#process.on('error', (error) => (this.ending ??= `${error.message}; npm run build makes ${PROGRAM}`))
    this.#process.on('exit', (code, signal) => (this.ending ??= signal ?? `exit code ${code}`))
    let rest = ''
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      this.#lines.push(...lines)
    })
  }

  /** Starts the same peer once more, at another address, when its process has ended. */
  again(): DemoPeer {
    return new DemoPeer(this.#directory, this.clusterId, this.#number, this.#joins, this.#extra)
  }

  get processId(): number {
    return this.#process.pid ?? 0
  }

  get peerId(): string {
    return this.#said(HOST_LINE)[0] ?? ''
  }

  /** As `http://127.0.0.1:41234`. */
  get url(): string {
    return this.#said(HTTP_LINE)[0] ?? ''
  }

  /** Multiaddrs that other peers reach it at. */
  get addresses(): readonly string[] {
    return this.#said(ADDRESS_LINE)
  }

  get isListening(): boolean {
    return this.url !== ''
  }

  get isReady(): boolean {
    return this.#lines.includes('Replicator ready')
  }

  /** Throws, with the end of its log, when the process has ended. */
  assertRuns(): void {
    if (this.ending === undefined) return
    const log = readFileSync(this.#logPath, 'utf8').slice(-SHOWN_CHARACTERS).trimEnd()
    throw new Error(`${this.name} ended (${this.ending})${log === '' ? '' : `; the end of its log:\n${log}`}`)
  }

  /** Ends the process: it is asked to, and made to when it does not. */
  async stop(): Promise<void> {
    if (this.ending === undefined) this.#process.kill('SIGTERM')
    const never = new AbortController().signal
    try {
      await until(`${this.name} ends`, () => this.ending, { timeoutMs: STOP_MS, signal: never })
    } catch {
      this.kill()
      await until(`${this.name} ends`, () => this.ending, { timeoutMs: STOP_MS, signal: never })
    }
  }

  kill(): void {
    if (this.ending === undefined) this.#process.kill('SIGKILL')
  }

  /** What follows the start of each line that begins so. */
  #said(start: string): string[] {
    return this.#lines.filter((line) => line.startsWith(start)).map((line) => line.slice(start.length))
  }
}
