/** The driver, and how a client of these brokers is set up. */
import type * as Kafka from '@platformatic/kafka'
import { loadDriver } from '../../driver.ts'

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

export interface ClientSettings {
  readonly clientId: string
  readonly bootstrapBrokers: string[]
  readonly timeout: number
  readonly connectTimeout: number
  readonly retries: number
  readonly autocreateTopics: false
}

export function settingsOf(brokers: readonly string[], clientId: string): ClientSettings {
  return {
    clientId,
    bootstrapBrokers: [...brokers],
    timeout: TIMEOUT_MS,
    connectTimeout: CONNECT_MS,
    retries: RETRIES,
    autocreateTopics: false,
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
