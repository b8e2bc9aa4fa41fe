/** Makes the topics of a log, and looks at those that are there. */
import type { Admin } from '@platformatic/kafka'
import { isRefusal } from './connection.ts'
import type { Driver, KafkaClients } from './connection.ts'
import { COPIES, faultsOf, warningsOf, wishedTopics } from './settings.ts'
import type { TopicFound, TopicNames, TopicWish } from './settings.ts'

/** TOPIC_ALREADY_EXISTS. */
const EXISTS = [36]
/** TOPIC_AUTHORIZATION_FAILED, CLUSTER_AUTHORIZATION_FAILED. */
const NO_RIGHT = [29, 31]
/** A topic that was just made is led by somebody after so long, in milliseconds, between looks. */
const LOOK_MS = 200
const LED_MS = 30_000

/** A topic that has no fault. */
interface Checked {
  readonly found: TopicFound
  readonly copies: number
}

export class TopicsRefused extends Error {
  static override readonly name = 'TopicsRefused'
  override readonly name = 'TopicsRefused'
}

/**
 * @returns the topics that were not there before
 * @throws TopicsRefused for one that is there and set otherwise, and what the driver throws
 */
export async function makeTopics(kafka: KafkaClients, names: TopicNames): Promise<readonly string[]> {
  return administrating(kafka, async (admin, driver) => {
    const made: string[] = []
    const copies = names.replication ?? COPIES
    for (const wish of wishedTopics(names)) if (await makeTopic(admin, driver, wish, copies)) made.push(wish.topic)
    await checkOrdering(admin, driver, names)
    return made
  })
}

/** @returns what an operator must know. @throws TopicsRefused */
export async function checkTopics(kafka: KafkaClients, names: TopicNames): Promise<readonly string[]> {
  return administrating(kafka, async (admin, driver) => {
    const known = await admin.listTopics()
    const missing = wishedTopics(names).filter(({ topic }) => !known.includes(topic))
    if (missing.length > 0)
      throw new TopicsRefused(
        `there is no topic ${missing.map(({ topic }) => topic).join(', ')}: replicator log create NAME -order URL makes them`,
      )
    const { found, copies } = await checkOrdering(admin, driver, names)
    return warningsOf(found, copies)
  })
}

/** Whoever does not say how many copies there have to be takes those that there are. */
async function checkOrdering(admin: Admin, driver: Driver, { all, replication }: TopicNames): Promise<Checked> {
  const found = await foundTopic(admin, driver, all)
  const copies = replication ?? found.copies
  const faults = faultsOf(found, copies)
  if (faults.length > 0) throw new TopicsRefused(`topic ${all} cannot order a log: ${faults.join('; ')}`)
  return { found, copies }
}

async function administrating<Value>(kafka: KafkaClients, run: (admin: Admin, driver: Driver) => Promise<Value>): Promise<Value> {
  const admin = kafka.admin('replicator-admin')
  try {
    return await run(admin, kafka.driver)
  } catch (error) {
    if (!isRefusal(kafka.driver, error, NO_RIGHT)) throw error
    const rights = 'Read, Write, Describe and DescribeConfigs, and Create where it makes them'
    throw new TopicsRefused(`this user lacks a right to the topics at the brokers: it needs ${rights}`, { cause: error })
  } finally {
    await admin.close()
  }
}

async function makeTopic(admin: Admin, driver: Driver, { topic, partitions, configs }: TopicWish, replicas: number): Promise<boolean> {
  try {
    await admin.createTopics({
      topics: [topic],
      partitions,
      replicas,
      configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
    })
  } catch (error) {
    if (isRefusal(driver, error, EXISTS)) return false
    throw error
  }
  await led(admin, topic, partitions)
  return true
}

async function led(admin: Admin, topic: string, partitions: number): Promise<void> {
  const deadline = performance.now() + LED_MS
  for (;;) {
    try {
      const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true })
      if (topics.get(topic)?.partitions.filter(({ leader }) => leader >= 0).length === partitions) return
    } catch (error) {
      if (performance.now() > deadline) throw error
    }
    if (performance.now() > deadline) throw new Error(`nobody leads topic ${topic}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

async function foundTopic(admin: Admin, driver: Driver, topic: string): Promise<TopicFound & { readonly copies: number }> {
  const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true })
  const [described] = await admin.describeConfigs({
    resources: [{ resourceType: driver.ConfigResourceTypes.TOPIC, resourceName: topic }],
  })
  return {
    topic,
    partitions: topics.get(topic)?.partitionsCount ?? 0,
    copies: topics.get(topic)?.partitions[0]?.replicas.length ?? 0,
    configs: Object.fromEntries((described?.configs ?? []).map(({ name, value }) => [name, value])),
  }
}
