/**
 * Monkeys in any number of processes, and what is found when they are done: that all nodes have the
 * same, and that nothing is missing that was answered.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Model } from './model.ts'
import type { Row } from './model.ts'
import { runMonkey } from './monkeys.ts'
import type { MonkeyKind } from './monkeys.ts'
import { NodeFailed, SetNode } from './node.ts'
import type { Stamps } from './node.ts'

/** How long nodes may take to be equal after the last operation. */
const EQUAL_MS = 60_000
const LOOK_MS = 500
/** Differences that are shown. */
const SHOWN_MAX = 20
/** Tells a process that it is one of several, which reports to the one that started it. */
const PART_VARIABLE = 'REPLICATOR_MONKEY_PART'

export interface MonkeysInit {
  readonly kind: MonkeyKind
  readonly urls: readonly string[]
  readonly processes: number
  readonly workers: number
  readonly seconds: number
  readonly pauseMs: number
  readonly token: string | undefined
  readonly say: (line: string) => void
}

/** What the monkeys of one process found. */
interface Report {
  readonly rows: readonly Row[]
  readonly answered: number
  readonly faults: readonly string[]
}

/** @returns what is wrong, in words; nothing when all is well */
export async function runMonkeys(init: MonkeysInit): Promise<readonly string[]> {
  if (process.env[PART_VARIABLE] !== undefined) {
    process.send?.(await runHere(init))
    return []
  }
  const model = new Model()
  const faults: string[] = []
  const reports = init.processes === 1 ? [await runHere(init)] : await Promise.all(Array.from({ length: init.processes }, runPart))
  for (const { rows, answered, faults: found } of reports) {
    model.join(rows, answered)
    faults.push(...found)
  }
  init.say(`${model.answeredCount} operations were answered; waiting until all nodes are equal`)
  const nodes = init.urls.map((url) => new SetNode(url, init.token))
  const { entries, fault } = await untilEqual(nodes)
  if (fault !== undefined) faults.push(fault)
  faults.push(...model.missing(entries))
  if (faults.length === 0) init.say(`all ${nodes.length} nodes are equal: ${entries.size} elements, and nothing answered is missing`)
  return faults.length <= SHOWN_MAX ? faults : [...faults.slice(0, SHOWN_MAX), `and ${faults.length - SHOWN_MAX} more`]
}

async function runHere({ kind, urls, workers, seconds, pauseMs, token, say }: MonkeysInit): Promise<Report> {
  const model = new Model()
  const signal = AbortSignal.any([AbortSignal.timeout(seconds * 1_000), interrupted()])
  const nodes = urls.map((url) => new SetNode(url, token))
  const ends = await Promise.all(Array.from({ length: workers }, () => runMonkey(kind, { nodes, model, pauseMs, signal, say })))
  return { rows: model.rows(), answered: model.answeredCount, faults: ends.flat() }
}

/**
 * Ctrl-C ends the playing, and what was played is still looked at; the second one ends that too.
 */
function interrupted(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort())
  return controller.signal
}

/** One more process with the same arguments. */
async function runPart(): Promise<Report> {
  const [, program = '', ...parameters] = process.argv
  const child = fork(program, parameters, { env: { ...process.env, [PART_VARIABLE]: '1' } })
  let report: Report = { rows: [], answered: 0, faults: ['a process of monkeys ended before it told what it found'] }
  child.on('message', (message) => (report = message as Report))
  await once(child, 'exit')
  return report
}

/** The replica that all nodes have; or the last of one of them, and what differs. */
async function untilEqual(nodes: readonly SetNode[]): Promise<{ readonly entries: Stamps; readonly fault: string | undefined }> {
  const deadline = performance.now() + EQUAL_MS
  for (;;) {
    const seen = await Promise.all(nodes.map(look))
    const [first] = seen
    const fault = seen.map((other) => difference(first, other)).find((found) => found !== undefined)
    const entries = typeof first === 'object' ? first : new Map<string, never>()
    if (fault === undefined || performance.now() > deadline) return { entries, fault }
    await delay(LOOK_MS)
  }
}

async function look(node: SetNode): Promise<Stamps | string> {
  try {
    return (await node.updates(undefined)).entries
  } catch (error) {
    if (error instanceof NodeFailed) return error.message
    throw error
  }
}

function difference(one: Stamps | string | undefined, other: Stamps | string): string | undefined {
  if (typeof one !== 'object') return one ?? 'no node was named'
  if (typeof other === 'string') return other
  for (const [element, { added, removed }] of [...one, ...other]) {
    const [here, there] = [one.get(element), other.get(element)]
    if (here?.added !== there?.added || here?.removed !== there?.removed)
      return `nodes differ: of ${element} one has ${describe(here)}, another ${describe(there)} (${added}, ${removed})`
  }
  return undefined
}

function describe(stamps: { readonly added: number; readonly removed: number } | undefined): string {
  return stamps === undefined ? 'nothing' : `inserted ${stamps.added}, deleted ${stamps.removed}`
}
