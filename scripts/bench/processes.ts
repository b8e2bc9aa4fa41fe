/** Processes of others that the bench starts. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { until } from '../../test/process/network.ts'
import { withoutVariables } from '../run.ts'

const STOP_MS = 10_000
const SHOWN_CHARACTERS = 2_000

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
    const child = spawn(program, parameters, { stdio: ['ignore', log, log], env: withoutVariables(process.env, 'ETCD') })
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

  /** Kills it, and waits for its end. */
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
