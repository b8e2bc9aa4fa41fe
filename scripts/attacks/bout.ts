/**
 * One attack on one network: a quiet moment first, then the attack in a thread of its own, watched,
 * and a newcomer at its height.
 */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { Arena } from './arena.ts'
import type { Attack, Finding, Target } from './attack.ts'
import { judge } from './verdict.ts'
import { Watch } from './watch.ts'
import type { Told, Work } from './worker.ts'

const QUIET_MS = 1_500
/** What an attack did may show a moment later. */
const AFTER_MS = 1_500
/** The longest attack takes less than half of it. */
const ATTACK_MS = 120_000
const NOBODY: Target = { root: '', networkId: '', secretPath: undefined, source: '', peers: [] }

interface Ran {
  readonly findings: readonly Finding[]
  readonly fault: string | undefined
}

/** Runs an attack that needs no network. */
export async function attackAlone(attack: Attack, root: string): Promise<readonly Finding[]> {
  const ran = await run(attack, { ...NOBODY, root }, { pressing: async () => {}, stop: async () => {}, start: async () => {} })
  return judge({ watched: undefined, quietStallMs: 0, ended: [], joinMs: 'none', ...ran })
}

/** Runs an attack on a network. */
export async function attackOn(attack: Attack, arena: Arena): Promise<readonly Finding[]> {
  const { stops = [] } = attack
  const watchedPeers = arena.peers.filter((_, index) => !stops.includes(index))
  const quiet = Watch.begin(watchedPeers)
  await delay(QUIET_MS)
  const quietStallMs = Math.max(...(await quiet.end()).peers.map(({ stallMs }) => stallMs))

  const [through] = arena.peers
  let joining: Promise<number | undefined> | undefined
  const tryJoining = (): Promise<number | undefined> =>
    (joining ??= through === undefined || stops.includes(0) ? Promise.resolve(undefined) : arena.join(through))
  const watch = Watch.begin(watchedPeers)
  const ran = await run(attack, arena.target(), {
    pressing: async () => void (await tryJoining()),
    stop: (index) => arena.stop(index),
    start: (index) => arena.start(index),
  })
  const joinMs = attack.isBrief === true || stops.includes(0) ? 'none' : await tryJoining()
  await delay(AFTER_MS)
  const ended = arena.peers.filter((peer) => !peer.isRunning).map(({ name }) => name)
  const watched = await watch.end()
  return judge({ watched, quietStallMs, ended, joinMs, ...ran })
}

interface Controls {
  readonly pressing: () => Promise<void>
  readonly stop: (index: number) => Promise<void>
  readonly start: (index: number) => Promise<void>
}

/** Runs it in a thread, and does what it asks for meanwhile. */
async function run(attack: Attack, target: Target, controls: Controls): Promise<Ran> {
  const workerData: Work = { name: attack.name, target }
  const worker = new Worker(join(import.meta.dirname, 'worker.ts'), { workerData })
  const { promise, resolve } = Promise.withResolvers<Ran>()
  const timer = setTimeout(() => resolve({ findings: [], fault: `it took more than ${ATTACK_MS / 1_000} s` }), ATTACK_MS)
  worker.on('message', (told: Told) => {
    if (told.kind === 'done') resolve({ findings: told.findings, fault: undefined })
    else if (told.kind === 'failed') resolve({ findings: [], fault: told.reason })
    else {
      const done = told.kind === 'pressing' ? controls.pressing() : controls[told.kind](told.index)
      void done.catch(() => {}).then(() => worker.postMessage(told.id, []))
    }
  })
  worker.on('error', (error) => resolve({ findings: [], fault: String(error) }))
  worker.on('exit', () => resolve({ findings: [], fault: 'it ended without a word' }))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    await worker.terminate()
  }
}
