/**
 * The peer that is fuzzed: a process that shares a secret with us, and what must hold of it all the
 * time.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newSecret } from '../../src/settings/secret.ts'
import { Network } from '../../test/process/network.ts'
import type { PeerProcess } from '../../test/process/network.ts'
import { exchange, requestText } from '../attacks/raw-http.ts'
import { until } from '../attacks/waiting.ts'
import { machineWaitedMs } from '../attacks/watch.ts'

/**
 * Far more than it ever takes on a busy machine, and less than any of the stalls that were found.
 */
const STALL_MS_MAX = 2_000
const ANSWER_MS_MAX = 10_000
const END_MS = 2_000
/** Characters of its log that are shown when it has ended. */
const LOG_SHOWN = 2_000
/** What the peer's log says of an answer 500. */
const MISTAKE = 'by a mistake of ours'
const SELF = '127.0.0.1'
const ANCHOR = '/store/anchor'
const ANCHOR_VALUE = 'this value never changes'

/** What was fuzzed shows a fault of the peer. */
export class Found extends Error {
  override readonly name = 'Found'
}

export class Subject {
  readonly peer: PeerProcess
  readonly secretPath: string
  readonly #network: Network
  #logLength = 0

  private constructor(network: Network, peer: PeerProcess, secretPath: string) {
    this.#network = network
    this.peer = peer
    this.secretPath = secretPath
  }

  /** @param nodeFlags for the peer's Node: a preload that plants a fault */
  static async start(root: string, nodeFlags: readonly string[]): Promise<Subject> {
    const network = await Network.create(false)
    try {
      const secretPath = join(network.directory, 'secret')
      writeFileSync(secretPath, `${newSecret()}\n`, { mode: 0o600 })
      const flags = ['-min-peers', '1', '-secret', secretPath]
      const peer = await network.add({ main: join(root, 'src', 'main.ts'), flags, nodeFlags })
      await peer.start()
      await peer.ready()
      const { status } = await exchange(peer.httpPort, SELF, requestText('PUT', ANCHOR, ['Host: localhost'], ANCHOR_VALUE))
      if (status !== 201) throw new Error(`the peer does not take a put: ${status}`)
      return new Subject(network, peer, secretPath)
    } catch (error) {
      await network.close()
      throw error
    }
  }

  /**
   * Looks whether all is well.
   *
   * @throws Found when the peer has ended, stands still, or gives a wrong answer
   */
  async check(): Promise<void> {
    this.#assertRuns()
    const { processId } = this.peer
    const startedMs = performance.now()
    const waitedMs = machineWaitedMs(processId)
    const answer = await exchange(this.peer.httpPort, SELF, requestText('GET', ANCHOR, ['Host: localhost']), ANSWER_MS_MAX)
    // A process that falls closes its sockets first, and is gone a moment later.
    if (answer.status === 0) await until('it ends', () => !this.peer.isRunning, END_MS).catch(() => {})
    this.#assertRuns()
    const stallMs = performance.now() - startedMs - (machineWaitedMs(processId) - waitedMs)
    if (stallMs > STALL_MS_MAX || answer.status === 0) throw new Found(`the peer stood still for ${stallMs.toFixed(0)} ms`)
    if (answer.status !== 200 || answer.body !== ANCHOR_VALUE)
      throw new Found(`a stored key was answered ${answer.status} "${answer.body}"`)
    this.#readLog()
  }

  close(): Promise<void> {
    return this.#network.close()
  }

  #assertRuns(): void {
    if (!this.peer.isRunning) throw new Found(`the peer has ended; the end of its log:\n${this.peer.log.slice(-LOG_SHOWN)}`)
  }

  /** What is new in it. */
  #readLog(): void {
    const log = readFileSync(`${this.peer.directory}.log`, 'utf8')
    const line = log
      .slice(this.#logLength)
      .split('\n')
      .find((text) => text.includes(MISTAKE))
    this.#logLength = log.length
    if (line !== undefined) throw new Found(`the peer logged a mistake of its own: ${line}`)
  }
}
