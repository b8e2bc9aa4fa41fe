/**
 * The generator for NATS, which wrk cannot speak: a process of its own, each connection with one
 * request under way.
 */
import { percentileOfSorted } from '../statistics.ts'
import type { PercentilePoint } from '../statistics.ts'
import { NatsConnection } from './nats-connection.ts'
import { storedKey, VALUE } from './contender.ts'
import { shareOut } from './wrk.ts'
import type { Measured, Workload } from './wrk.ts'

const BUCKET = 'bench'
const MILLION = 1_000_000
const ANSWER_MS = 10_000

export interface NatsLoad {
  readonly ports: readonly number[]
  readonly workload: Workload
  readonly connections: number
  readonly seconds: number
  readonly name: string
  readonly stored: number
}

/** @throws Error when the server did not say that it is stored */
export async function putOne(connection: NatsConnection, key: string): Promise<void> {
  const answer = (await connection.request(`$KV.${BUCKET}.${key}`, VALUE)).toString()
  if (!answer.includes('"seq"') || answer.includes('"error"')) throw new Error(`NATS refused a put: ${answer}`)
}

/** From the stream's leader: what any replica holds may be stale. */
async function getOne(connection: NatsConnection, key: string, isStored: boolean): Promise<void> {
  const answer = (await connection.request(`$JS.API.STREAM.MSG.GET.KV_${BUCKET}`, `{"last_by_subj":"$KV.${BUCKET}.${key}"}`)).toString()
  if (!answer.includes(isStored ? '"message"' : '"code":404')) throw new Error(`NATS answered a get: ${answer}`)
}

async function drive(load: NatsLoad): Promise<Measured> {
  const takenUs: number[] = []
  const ports = shareOut(load.connections, load.ports.length).flatMap((share, index) =>
    Array.from({ length: share }, () => load.ports[index] ?? 0),
  )
  const connections = await Promise.all(ports.map((port) => NatsConnection.open(port, ANSWER_MS)))
  const before = process.cpuUsage()
  const startedMs = performance.now()
  const endMs = startedMs + load.seconds * 1_000
  let number = 0
  const work = async (connection: NatsConnection): Promise<void> => {
    for (let beganMs = performance.now(); beganMs < endMs; beganMs = performance.now()) {
      number += 1
      const key = `${load.name}aa${String(number).padStart(12, '0')}`
      if (load.workload === 'absent') await getOne(connection, key, false)
      else if (load.workload === 'puts' || (load.workload === 'mix' && number % 10 === 0)) await putOne(connection, key)
      else await getOne(connection, storedKey(Math.floor(Math.random() * load.stored)), true)
      takenUs.push((performance.now() - beganMs) * 1_000)
    }
  }
  await Promise.all(connections.map(work))
  const elapsedUs = (performance.now() - startedMs) * 1_000
  const { user, system } = process.cpuUsage(before)
  for (const connection of connections) connection.close()
  const sorted = Float64Array.from(takenUs).sort()
  const percentilesUs: PercentilePoint[] = []
  for (let share = 0; share < 100;) {
    share += share < 98.99 ? 0.5 : 0.02
    percentilesUs.push([share, percentileOfSorted(sorted, share)])
  }
  const processorSeconds = (user + system) / MILLION
  return { requests: sorted.length, elapsedUs, processorSeconds, refused: 0, broken: 0, maxUs: sorted.at(-1) ?? 0, percentilesUs }
}

if (process.send !== undefined && process.argv[1] === import.meta.filename) {
  process.once('message', (load: NatsLoad) => {
    drive(load).then(
      (measured) => process.send?.(measured, () => process.disconnect()),
      (error: unknown) => {
        console.error(error)
        process.exit(1)
      },
    )
  })
}
