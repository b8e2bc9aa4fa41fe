/** A real Kafka on free ports, one broker, where Java and its jars are there. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kafkaHome } from '../../scripts/kafka-home.ts'
import { ROOT } from '../../scripts/run.ts'
import { loadKafka, settingsOf } from '../../src/orderers/kafka/connection.ts'
import { freePort, until } from '../process/network.ts'

const START_MS = 120_000

export class KafkaServer {
  readonly port: number
  readonly #controllerPort: number
  readonly #directory: string
  #process: ChildProcess | undefined

  private constructor(port: number, controllerPort: number, directory: string) {
    this.port = port
    this.#controllerPort = controllerPort
    this.#directory = directory
  }

  static async start(): Promise<KafkaServer> {
    const server = new KafkaServer(await freePort(), await freePort(), await mkdtemp(join(tmpdir(), 'replicator-kafka-')))
    await server.start()
    return server
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  async start(): Promise<void> {
    const script = join(ROOT, 'scripts', 'servers', 'kafka.sh')
    const words = [this.#directory, String(this.port), String(this.#controllerPort)]
    this.#process = spawn(script, words, { stdio: 'ignore', env: { ...process.env, KAFKA_HOME: kafkaHome() } })
    await until('Kafka answers', () => this.#answers(), START_MS)
  }

  async kill(): Promise<void> {
    const ended = this.#process
    this.#process = undefined
    if (ended === undefined || ended.exitCode !== null) return
    const end = once(ended, 'exit')
    ended.kill('SIGKILL')
    await end
  }

  async deleteTopic(topic: string): Promise<void> {
    const { Admin } = await loadKafka()
    const admin = new Admin(settingsOf([this.address], 'test'))
    await admin.deleteTopics({ topics: [topic] })
    await until(`topic ${topic} is gone`, async () => !(await admin.listTopics()).includes(topic), START_MS)
    await admin.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 10 })
  }

  async #answers(): Promise<boolean> {
    const { Admin } = await loadKafka()
    const admin = new Admin({ ...settingsOf([this.address], 'test'), connectTimeout: 1_000 })
    try {
      await admin.listTopics()
      return true
    } finally {
      await admin.close()
    }
  }
}
