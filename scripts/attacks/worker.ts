/** Runs one attack in a thread of its own, so that its work does not hide what the watcher sees. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Finding, Target } from './attack.ts'
import { ATTACKS } from './table.ts'

export interface Work {
  readonly name: string
  readonly target: Target
}

/** To whoever runs the thread. `pressing`, `stop` and `start` are answered by their id. */
export type Told =
  | { readonly kind: 'pressing'; readonly id: number }
  | { readonly kind: 'stop' | 'start'; readonly id: number; readonly index: number }
  | { readonly kind: 'done'; readonly findings: readonly Finding[] }
  | { readonly kind: 'failed'; readonly reason: string }

const { name, target } = workerData as Work
const waiting = new Map<number, () => void>()
let lastId = 0

parentPort?.on('message', (id: number) => {
  waiting.get(id)?.()
  waiting.delete(id)
})

function tell(told: Told): void {
  parentPort?.postMessage(told, [])
}

function ask(told: { readonly kind: 'pressing' } | { readonly kind: 'stop' | 'start'; readonly index: number }): Promise<void> {
  const id = (lastId += 1)
  return new Promise((resolve) => {
    waiting.set(id, resolve)
    tell({ ...told, id })
  })
}

// A socket that is cut in the middle of an attack is no mistake of it.
process.on('uncaughtException', () => {})
process.on('unhandledRejection', () => {})

try {
  const attack = ATTACKS.find((candidate) => candidate.name === name)
  const [victim = { httpPort: 0, libp2pPort: 0, peerId: '', address: '', processId: 0, directory: '', logPath: '' }] = target.peers
  const findings = await attack?.run({
    ...target,
    victim,
    pressing: () => ask({ kind: 'pressing' }),
    stop: (index) => ask({ kind: 'stop', index }),
    start: (index) => ask({ kind: 'start', index }),
  })
  tell({ kind: 'done', findings: findings ?? [] })
} catch (error) {
  tell({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) })
}
