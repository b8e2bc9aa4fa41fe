/** The Redis of one peer, in the peer's namespace where it has one: ended by -9 and started again. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { freePort } from '../../process/network.ts'

export class PeerRedis {
  readonly port: number
  readonly #directory: string
  readonly #wrapper: readonly string[]
  readonly #lastResort = (): void => void this.#process?.kill('SIGKILL')
  #process: ChildProcess | undefined

  private constructor(port: number, directory: string, wrapper: readonly string[]) {
    this.port = port
    this.#directory = directory
    this.#wrapper = wrapper
    process.once('exit', this.#lastResort)
  }

  /** @param wrapper becomes whatever follows it */
  static async start(directory: string, wrapper: readonly string[]): Promise<PeerRedis> {
    mkdirSync(directory, { recursive: true })
    const server = new PeerRedis(await freePort(), directory, wrapper)
    server.start()
    return server
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}/0`
  }

  get processId(): number {
    return this.#process?.pid ?? 0
  }

  get isRunning(): boolean {
    return this.#process !== undefined
  }

  /** Whoever needs it tries until it answers. */
  start(): void {
    if (this.isRunning) return
    const flags = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#directory, '--save', '', '--appendonly', 'yes']
    const [program = '', ...parameters] = [...this.#wrapper, 'redis-server', ...flags]
    const child = spawn(program, parameters, { stdio: 'ignore' })
    this.#process = child
    child.once('exit', () => {
      if (this.#process === child) this.#process = undefined
    })
  }

  async kill(): Promise<void> {
    const child = this.#process
    if (child === undefined) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  async close(): Promise<void> {
    process.off('exit', this.#lastResort)
    await this.kill()
  }
}
