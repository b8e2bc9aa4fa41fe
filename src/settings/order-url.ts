/**
 * `kafka://HOST:PORT,HOST:PORT/NAME?all=TOPIC&one=TOPIC&response=TOPIC&replication=N`: which brokers
 * order a log, and by which topics. How the brokers are reached is said in the same place.
 */
import { ACCESS_PARAMETERS, parseAccess } from './brokers.ts'
import type { Brokers } from './brokers.ts'
import { UsageError } from './usage-error.ts'

export interface KafkaOrder {
  readonly brokers: Brokers
  readonly all: string
  /** Undefined for none: every replica answers then. */
  readonly one: string | undefined
  readonly response: string
  /** Copies of each topic; a single broker can have 1. Undefined where nobody says: as many as there are. */
  readonly replication: number | undefined
}

const REPLICATION = 3
const KNOWN: readonly string[] = ['all', 'one', 'response', 'replication', ...ACCESS_PARAMETERS]
const EXAMPLE = 'kafka://127.0.0.1:9092,127.0.0.1:9093'

/** @param name of the log: its topics are NAME-all, NAME-one and NAME-response where they are not named. */
export function parseOrder(text: string, name: string): KafkaOrder {
  const [, hosts = '', , query = ''] = /^kafka:\/\/([^/?]+)(\/[\w.-]*)?(?:\?(.*))?$/.exec(text) ?? []
  const addresses = hosts.split(',')
  if (!addresses.every((broker) => /^[\w.-]+:[0-9]{1,5}$/.test(broker))) throw new UsageError(`write the brokers, like ${EXAMPLE}`)
  const parameters = new URLSearchParams(query)
  const unknown = [...parameters.keys()].find((key) => !KNOWN.includes(key))
  if (unknown !== undefined) throw new UsageError(`${unknown} is none of ${KNOWN.join(', ')}`)
  const replication = Number(parameters.get('replication') ?? REPLICATION)
  if (!Number.isSafeInteger(replication) || replication < 1) throw new UsageError('replication is how many brokers have each topic')
  const one = topicIn(parameters.get('one') ?? `${name}-one`)
  return Object.freeze({
    brokers: Object.freeze({ addresses: Object.freeze(addresses), access: parseAccess(parameters) }),
    all: topicIn(parameters.get('all') ?? `${name}-all`),
    one: one === '' ? undefined : one,
    response: topicIn(parameters.get('response') ?? `${name}-response`),
    replication,
  })
}

/**
 * As the seed has them: of a program that was started by those variables.
 *
 * @returns undefined where no brokers are named
 */
export function orderOf(environment: Readonly<Record<string, string | undefined>>, name: string): KafkaOrder | undefined {
  const { KAFKA_BOOTSTRAP_SERVERS: brokers, KAFKA_MUTATION_TOPIC: all, KAFKA_ONE_TOPIC: one, KAFKA_RESPONSE_TOPIC: response } = environment
  if (brokers === undefined || brokers === '') return undefined
  const order = parseOrder(`kafka://${brokers}`, name)
  // Whoever names a topic of mutations and none of requests has a system without one.
  return {
    ...order,
    all: all ?? order.all,
    one: one ?? (all === undefined ? order.one : undefined),
    response: response ?? order.response,
    // No variable of the seed says how many brokers there are.
    replication: undefined,
  }
}

function topicIn(text: string): string {
  if (!/^[\w.-]{0,249}$/.test(text)) throw new UsageError('the name of a topic is letters, digits, ".", "_" and "-"')
  return text
}
