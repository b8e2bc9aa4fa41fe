/** The driver, and how a client of brokers is set up. */
import type * as Kafka from '@platformatic/kafka'
import { loadDriver } from '../../driver.ts'
import type { Brokers } from '../../settings/brokers.ts'
import { accessOf } from './access.ts'
import type { AccessSettings } from './access.ts'
import { refusalIn } from './refusals.ts'

export type Driver = typeof Kafka

/** What a call may take, in milliseconds. */
const TIMEOUT_MS = 10_000
const CONNECT_MS = 5_000
/** Others than the driver's own are made by whoever calls. */
const RETRIES = 0

/** @throws Error of one line when it is not installed */
export async function loadKafka(): Promise<Driver> {
  return loadDriver('@platformatic/kafka', 'a log that Kafka orders', () => import('@platformatic/kafka'))
}

/** Of brokers that let this program in: what makes its clients. */
export interface KafkaClients {
  readonly driver: Driver
  base(clientId: string): Kafka.Base
  admin(clientId: string): Kafka.Admin
  producer(clientId: string, options: { readonly acks: number }): Kafka.Producer
  consumer(clientId: string, options: { readonly groupId: string; readonly timeout: number }): Kafka.Consumer
}

/**
 * Reads what it takes to be let in, and asks the brokers whether it will do.
 *
 * @throws Error of one line when the driver is not installed; AccessRefused; and what the driver
 * throws when no broker answers
 */
export async function reach(brokers: Brokers): Promise<KafkaClients> {
  const driver = await loadKafka()
  const clients = clientsOf(driver, brokers.addresses, await accessOf(brokers))
  const asking = clients.base('replicator-access')
  try {
    await asking.metadata({ topics: [] })
  } catch (error) {
    throw refusalIn(error, brokers.access)
  } finally {
    await asking.close().catch(() => {})
  }
  return clients
}

/** Asks nothing yet. */
export function clientsOf(driver: Driver, addresses: readonly string[], access: AccessSettings): KafkaClients {
  const settings = (clientId: string): ClientSettings => settingsOf(addresses, clientId, access)
  return {
    driver,
    base: (clientId) => calm(new driver.Base(settings(clientId))),
    admin: (clientId) => calm(new driver.Admin(settings(clientId))),
    producer: (clientId, options) => calm(new driver.Producer({ ...settings(clientId), ...options })),
    consumer: (clientId, options) => calm(new driver.Consumer({ ...settings(clientId), ...options })),
  }
}

/**
 * A connection that ends while it says who asks tells of it more than once, and nobody listens the
 * second time: that would end this program. Whoever called is told by its call.
 */
function calm<Client extends Kafka.Base>(client: Client): Client {
  client.connections.on('connecting', ({ connection }) => connection.on('error', () => {}))
  return client
}

export interface ClientSettings extends AccessSettings {
  readonly clientId: string
  readonly bootstrapBrokers: string[]
  readonly timeout: number
  readonly connectTimeout: number
  readonly retries: number
  readonly autocreateTopics: false
}

export function settingsOf(addresses: readonly string[], clientId: string, access: AccessSettings = {}): ClientSettings {
  return {
    clientId,
    bootstrapBrokers: [...addresses],
    timeout: TIMEOUT_MS,
    connectTimeout: CONNECT_MS,
    retries: RETRIES,
    autocreateTopics: false,
    ...access,
  }
}

/** `12345678-…`, as 32 digits. */
export function hexOf(uuid: string): string {
  return uuid.replaceAll('-', '').toLowerCase()
}

/** Whether a broker refused with one of these codes of the protocol. */
export function isRefusal(driver: Driver, error: unknown, codes: readonly number[]): boolean {
  return error instanceof Error && codes.some((code) => driver.findErrorBy(error, 'apiCode', code) !== null)
}
