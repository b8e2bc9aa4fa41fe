/**
 * A real Redis on a free port, where one is installed: as it would be run to keep what it is given.
 */
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../process/network.ts'

const START_MS = 10_000
const LOOK_MS = 20

/** Why there is none; false when there is one. */
export function whyNoRedis(): string | false {
  const { error } = spawnSync('redis-server', ['--version'])
  return error === undefined ? false : `redis-server is not installed (${error.message}): apt-get install redis-server`
}

export class RedisServer {
  readonly port: number
  readonly #directory: string
  readonly #flags: readonly string[]
  #process: ChildProcess | undefined

  private constructor(port: number, directory: string, flags: readonly string[]) {
    this.port = port
    this.#directory = directory
    this.#flags = flags
  }

  /** @param flags that replace those it is run with otherwise */
  static async start(...flags: readonly string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), await mkdtemp(join(tmpdir(), 'replicator-redis-')), flags)
    await server.start()
    return server
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  async start(): Promise<void> {
    const flags = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#directory, '--save', '', '--appendonly', 'yes']
    this.#process = spawn('redis-server', [...flags, '--appendfsync', 'always', ...this.#flags], { stdio: 'ignore' })
    const deadline = performance.now() + START_MS
    while (!(await this.#answers())) {
      if (performance.now() > deadline) throw new Error('redis-server does not answer in time')
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  }

  async kill(): Promise<void> {
    const ended = this.#process
    this.#process = undefined
    if (ended === undefined) return
    const end = once(ended, 'exit')
    ended.kill('SIGKILL')
    await end
  }

  /** Asks as people do. @returns what it prints */
  ask(...command: readonly string[]): string {
    const { stdout } = spawnSync('redis-cli', ['-p', String(this.port), ...command], { encoding: 'utf8' })
    return stdout.trimEnd()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    await rm(this.#directory, { recursive: true, force: true })
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect({ port: this.port, host: '127.0.0.1' }, () => socket.write('PING\r\n'))
      socket.once('data', (data) => {
        socket.destroy()
        resolve(data.toString().startsWith('+PONG'))
      })
      socket.once('error', () => resolve(false))
    })
  }
}
