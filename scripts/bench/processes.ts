/** Processes of others that the bench starts, and what the system knows of a process: its time on the processor, its memory, its files. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from '../../test/process/network.ts'

const STOP_MS = 10_000
/** Linux counts time on the processor in hundredths of a second, on every machine. */
const TICKS_PER_SECOND = 100
const KIB_PER_MIB = 1_024
const BLOCK_BYTES = 512
const SHOWN_CHARACTERS = 2_000
/** Of `/proc/PID/stat`, counted from the word after the name of the program. */
const USER_TICKS_FIELD = 11
const SYSTEM_TICKS_FIELD = 12

const running = new Set<ServerProcess>()

/** However the bench ends, what it started ends with it. */
export function killServers(): void {
  for (const server of running) server.kill()
}

/** A server that is not ours: started, killed and started again with the same command. */
export class ServerProcess {
  readonly name: string
  readonly #command: readonly [string, ...string[]]
  readonly #logPath: string
  #process: ChildProcess | undefined

  constructor(name: string, command: readonly [string, ...string[]], logPath: string) {
    this.name = name
    this.#command = command
    this.#logPath = logPath
  }

  get processId(): number {
    return this.#process?.pid ?? 0
  }

  start(): void {
    const [program, ...parameters] = this.#command
    const log = openSync(this.#logPath, 'a')
    const child = spawn(program, parameters, { stdio: ['ignore', log, log], env: withoutFlags(process.env) })
    closeSync(log)
    this.#process = child
    running.add(this)
    const gone = (): void => {
      if (this.#process === child) this.#process = undefined
      running.delete(this)
    }
    child.on('exit', gone)
    child.on('error', gone)
  }

  kill(): void {
    this.#process?.kill('SIGKILL')
  }

  async stop(): Promise<void> {
    this.#process?.kill('SIGKILL')
    await until(`${this.name} ends`, () => this.#process === undefined, STOP_MS)
  }

  /** @throws Error with the end of its log when the process has ended */
  assertRuns(): void {
    if (this.#process !== undefined) return
    throw new Error(`${this.name} ended:\n${readFileSync(this.#logPath, 'utf8').slice(-SHOWN_CHARACTERS)}`)
  }
}

/** A setting left in a variable of whoever runs the bench would change the server. */
function withoutFlags(variables: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !name.startsWith('ETCD')))
}

/** Seconds on the processor of a running process. @param text of `/proc/PID/stat` */
export function parseProcessorSeconds(text: string): number {
  // The name of the program stands in brackets and may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[USER_TICKS_FIELD]) + Number(fields[SYSTEM_TICKS_FIELD])) / TICKS_PER_SECOND
}

/** Of all these processes together. */
export async function processorSeconds(processIds: readonly number[]): Promise<number> {
  const texts = await Promise.all(processIds.map((processId) => readFile(`/proc/${processId}/stat`, 'utf8')))
  return texts.reduce((sum, text) => sum + parseProcessorSeconds(text), 0)
}

/** Memory of a process that is its own: a store's mapping of its file is left out. */
export async function ownMib(processId: number): Promise<number> {
  const text = await readFile(`/proc/${processId}/status`, 'utf8')
  return Number(/RssAnon:\s+(\d+)/.exec(text)?.[1]) / KIB_PER_MIB
}

/** Bytes that a directory takes on the disk. */
export async function diskBytes(directory: string): Promise<number> {
  let sum = 0
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    // A log may be rotated away between the two.
    const { blocks } = await stat(join(entry.parentPath, entry.name)).catch(() => ({ blocks: 0 }))
    sum += blocks * BLOCK_BYTES
  }
  return sum
}
