/**
 * A real Kafka on free ports, one broker or several, where Java and its jars are there. One broker can
 * have a port more, which asks for TLS, for a certificate and for a user with a password.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kafkaHome } from '../../scripts/kafka-home.ts'
import { ROOT } from '../../scripts/run.ts'
import { loadKafka, settingsOf } from '../../src/orderers/kafka/connection.ts'
import type { Certificate } from '../process/certificates.ts'
import { freePort, until } from '../process/network.ts'

const START_MS = 120_000
/** Of SCRAM-SHA-512, as the protocol numbers it; the fewest rounds that Kafka takes, and the length of its key in bytes. */
const SCRAM_SHA_512 = 2
const SCRAM_ROUNDS = 4_096
const SCRAM_BYTES = 64

interface Broker {
  readonly port: number
  readonly controllerPort: number
  /** A file of properties. */
  readonly more?: string
}

export class KafkaServer {
  readonly #brokers: readonly Broker[]
  readonly #directory: string
  readonly #processes = new Map<number, ChildProcess>()

  private constructor(brokers: readonly Broker[], directory: string) {
    this.#brokers = brokers
    this.#directory = directory
  }

  /**
   * One broker, with a port that asks for TLS, for a certificate of the same root, and a user.
   *
   * @returns where that port is too, as in a URL of an order
   */
  static async startGuarded(
    certificate: Certificate,
    root: Certificate,
  ): Promise<{ readonly kafka: KafkaServer; readonly guarded: string }> {
    const broker = { port: await freePort(), controllerPort: await freePort() }
    const directory = await mkdtemp(join(tmpdir(), 'replicator-kafka-'))
    const [more, guardedPort] = [join(directory, 'more.properties'), await freePort()]
    const keystore = join(directory, 'keystore.pem')
    await writeFile(keystore, (await readFile(certificate.key, 'utf8')) + (await readFile(certificate.cert, 'utf8')))
    await writeFile(more, guardedProperties(broker, guardedPort, keystore, root.cert))
    const kafka = new KafkaServer([{ ...broker, more }], directory)
    kafka.startBroker(0)
    await until('Kafka answers', () => kafka.#answers(), START_MS)
    return { kafka, guarded: `localhost:${guardedPort}` }
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
    const { port, controllerPort, more = '' } = this.#brokers[place] as Broker
    const voters = this.#brokers.map((broker, other) => `${other + 1}@127.0.0.1:${broker.controllerPort}`).join(',')
    const words = [join(this.#directory, String(place)), port, controllerPort, place + 1, voters, this.#brokers.length, more].map(String)
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

  /** Who may come to the guarded port, by SCRAM-SHA-512. */
  async addUser(name: string, password: string): Promise<void> {
    const { Admin, alterUserScramCredentialsV0 } = await loadKafka()
    const admin = new Admin(settingsOf([this.address], 'test'))
    const [connection] = (await admin.connectToBrokers()).values()
    assert(connection !== undefined)
    const salt = randomBytes(SCRAM_BYTES)
    const saltedPassword = pbkdf2Sync(password, salt, SCRAM_ROUNDS, SCRAM_BYTES, 'sha512')
    const user = { name, mechanism: SCRAM_SHA_512, iterations: SCRAM_ROUNDS, salt, saltedPassword }
    await alterUserScramCredentialsV0.api.async(connection, [], [user])
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

function guardedProperties({ port, controllerPort }: Broker, guardedPort: number, keystore: string, truststore: string): string {
  return `
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort},GUARDED://127.0.0.1:${guardedPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port},GUARDED://localhost:${guardedPort}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,GUARDED:SASL_SSL
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.guarded.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location=${keystore}
ssl.truststore.type=PEM
ssl.truststore.location=${truststore}
listener.name.guarded.ssl.client.auth=required
`
}
