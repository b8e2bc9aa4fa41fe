/**
 * A put taken apart: microseconds of processor by stage. What each thread used is Linux's count;
 * the main threads' part is shared out by the profiles that V8 takes of them, for which each sample
 * counts to the innermost function whose file tells the stage.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseProcessorSeconds } from '../usage.ts'
import { Replicator } from './replicator.ts'
import { figure } from './table.ts'
import type { Table } from './table.ts'
import { newName, warmUp } from './throughput.ts'

const CONNECTIONS = 64
const MICROSECONDS = 1e6

/** What a file tells of a stage; the first that fits counts. */
const STAGES: readonly (readonly [stage: string, file: RegExp])[] = [
  ['HTTP', /\/src\/http\/|^node:_http_|^node:internal\/http|\/express\//],
  ['store', /\/src\/storage\/|\/lmdb\//],
  ['encryption', /libp2p-noise|chacha20poly1305|\/src\/network\/encryption/],
  ['streams and frames', /@libp2p\/|libp2p-yamux|\/main-event\/|\/uint8arraylist\/|\/src\/network\//],
  ['messages to bytes and back', /\/protocols\/wire\//],
  ['the core', /\/protocols\//],
  ['loop, metrics', /\/src\/|prom-client/],
]
/** Native functions that are a stage by themselves, whoever calls them. */
const WRITES = /^write(Buffer|v|Latin1String|Utf8String|AsciiString)$/
const GARBAGE = '(garbage collector)'
/** Neither is time of the processor that a stage could be blamed for. */
const PASSED_OVER: ReadonlySet<string> = new Set(['(idle)', '(root)'])
/** Names that Node gives its threads. */
const THREADS: readonly (readonly [stage: string, name: RegExp])[] = [
  ["thread pool: lmdb's transactions and syncs", /^libuv-worker/],
  ["V8's threads: compiling, collecting", /^V8Worker/],
  ['the profiler itself', /^v8:ProfEvnt/],
]
const OTHER_THREADS = 'other threads'
const OTHER = 'else'

interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string }
    readonly children?: readonly number[]
  }[]
  /** Nodes. */
  readonly samples: readonly number[]
}

/** @param seconds of load that is measured */
export async function measureStages(seconds: number, stored: number, signal: AbortSignal, say: (text: string) => void): Promise<Table> {
  const directory = await mkdtemp(join(tmpdir(), 'profiles-'))
  const replicator = await Replicator.start(1, signal, { nodeFlags: ['--cpu-prof', `--cpu-prof-dir=${directory}`] })
  try {
    await warmUp([replicator], stored, ['puts'])
    const before = threadSeconds(replicator.processIds)
    const measured = await replicator.drive({ workload: 'puts', connections: CONNECTIONS, seconds, name: newName(), pauseMs: 0 })
    const after = threadSeconds(replicator.processIds)
    // A profile is written when its process ends in good order, and the load is the last that it
    // saw.
    for (const peer of replicator.network.peers) await peer.stop()
    const puts = measured.reduce((sum, { requests }) => sum + requests, 0)
    const shares = sharesOf(readdirSync(directory).map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as Profile))
    const costs = [...after].map(([thread, used]) => [thread, ((used - (before.get(thread) ?? 0)) * MICROSECONDS) / puts] as const)
    const mainUs = costs.find(([thread]) => thread === '')?.[1] ?? 0
    const stages = new Map([...shares].map(([stage, share]) => [stage, share * mainUs] as const))
    for (const [thread, cost] of costs) if (thread !== '') stages.set(thread, cost)
    const totalUs = [...stages.values()].reduce((sum, cost) => sum + cost, 0)
    say(`a put takes ${figure(totalUs)} µs of processor over three peers`)
    return tableOf(stages, totalUs, seconds)
  } finally {
    await replicator.close()
  }
}

function tableOf(stages: ReadonlyMap<string, number>, totalUs: number, seconds: number): Table {
  const sorted = [...stages].toSorted(([, a], [, b]) => b - a)
  return {
    title: 'Where the time of a put goes',
    note: `${CONNECTIONS} connections for ${seconds} s into one cluster of 3, profiled, which itself costs a little; all three peers together.`,
    columns: ['', 'processor µs', 'share %'],
    rows: [...sorted, ['all', totalUs] as const].map(([stage, us]) => [stage, figure(us), figure((100 * us) / totalUs)]),
    raw: Object.fromEntries(stages),
  }
}

/**
 * Seconds on the processor by the name of the thread, of all processes together; the main threads'
 * under no name.
 */
function threadSeconds(processIds: readonly number[]): Map<string, number> {
  const seconds = new Map<string, number>()
  for (const processId of processIds) {
    for (const thread of readdirSync(`/proc/${processId}/task`)) {
      const name = readFileSync(`/proc/${processId}/task/${thread}/comm`, 'utf8').trim()
      const stage = Number(thread) === processId ? '' : (THREADS.find(([, pattern]) => pattern.test(name))?.[0] ?? OTHER_THREADS)
      const used = parseProcessorSeconds(readFileSync(`/proc/${processId}/task/${thread}/stat`, 'utf8'))
      seconds.set(stage, (seconds.get(stage) ?? 0) + used)
    }
  }
  return seconds
}

/**
 * How the busy samples of the second half of all profiles are shared out over the stages; together
 * 1. Samples are counted and not the time between them, for that holds the time in which the
 * processor had been given to somebody else: a writer often loses it to the reader it wakes.
 */
export function sharesOf(profiles: readonly Profile[]): Map<string, number> {
  const counts = new Map<string, number>()
  let total = 0
  for (const profile of profiles) {
    const stageById = stagesOf(profile)
    for (const node of profile.samples.slice(profile.samples.length / 2)) {
      const stage = stageById.get(node)
      if (stage === undefined) continue
      counts.set(stage, (counts.get(stage) ?? 0) + 1)
      total += 1
    }
  }
  return new Map([...counts].map(([stage, count]) => [stage, count / total]))
}

/** The stage of each node of the call tree; none for what is no work. */
function stagesOf({ nodes }: Profile): Map<number, string> {
  const stages = new Map<number, string>()
  // A node stands behind its parent, so what a native function is called by is known already.
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)))
  for (const { id, callFrame } of nodes) {
    const { functionName, url } = callFrame
    if (PASSED_OVER.has(functionName)) continue
    if (functionName === GARBAGE) stages.set(id, 'collecting garbage')
    else if (url === '' && WRITES.test(functionName)) stages.set(id, 'writing to sockets')
    else {
      const own = STAGES.find(([, pattern]) => pattern.test(url))?.[0]
      const outer = stages.get(parents.get(id) ?? -1)
      stages.set(id, own ?? (outer === 'writing to sockets' || outer === undefined ? OTHER : outer))
    }
  }
  return stages
}
