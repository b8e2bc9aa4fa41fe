/** A real Kafka on free ports, one broker or several, where Java and its jars are there. */
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

interface Broker {
  readonly port: number
  readonly controllerPort: number
}

export class KafkaServer {
  readonly #brokers: readonly Broker[]
  readonly #directory: string
  readonly #processes = new Map<number, ChildProcess>()

  private constructor(brokers: readonly Broker[], directory: string) {
    this.#brokers = brokers
    this.#directory = directory
  }

  static async start(count = 1): Promise<KafkaServer> {
    const brokers: Broker[] = []
    while (brokers.length < count) brokers.push({ port: await freePort(), controllerPort: await freePort() })
    const server = new KafkaServer(brokers, await mkdtemp(join(tmpdir(), 'replicator-kafka-')))
    for (const place of brokers.keys()) server.startBroker(place)
    await until('Kafka answers', () => server.#answers(), START_MS)
    return server
  }

  /** As in a URL of an order. */
  get address(): string {
    return this.#brokers.map(({ port }) => `127.0.0.1:${port}`).join(',')
  }

  /** Waits for nothing. */
  startBroker(place: number): void {
    const { port, controllerPort } = this.#brokers[place] as Broker
    const voters = this.#brokers.map((broker, other) => `${other + 1}@127.0.0.1:${broker.controllerPort}`).join(',')
    const words = [join(this.#directory, String(place)), port, controllerPort, place + 1, voters, this.#brokers.length].map(String)
    const script = join(ROOT, 'scripts', 'servers', 'kafka.sh')
    this.#processes.set(place, spawn(script, words, { stdio: 'ignore', env: { ...process.env, KAFKA_HOME: kafkaHome() } }))
  }

  async killBroker(place: number): Promise<void> {
    const ended = this.#processes.get(place)
    if (ended === undefined || ended.exitCode !== null || ended.signalCode !== null) return
    const end = once(ended, 'exit')
    ended.kill('SIGKILL')
    await end
  }

  async deleteTopic(topic: string): Promise<void> {
    const { Admin } = await loadKafka()
    const admin = new Admin(settingsOf(this.address.split(','), 'test'))
    await admin.deleteTopics({ topics: [topic] })
    await until(`topic ${topic} is gone`, async () => !(await admin.listTopics()).includes(topic), START_MS)
    await admin.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const place of this.#brokers.keys()) await this.killBroker(place)
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 10 })
  }

  /** All brokers are there. */
  async #answers(): Promise<boolean> {
    const { Admin } = await loadKafka()
    const admin = new Admin({ ...settingsOf(this.address.split(','), 'test'), connectTimeout: 1_000 })
    try {
      return (await admin.metadata({ topics: [], forceUpdate: true })).brokers.size === this.#brokers.length
    } finally {
      await admin.close()
    }
  }
}
