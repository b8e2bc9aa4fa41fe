/**
 * One connection of a store in SQLite, which works while the peer does not wait: in a thread where it
 * applies, in a process of its own where it reads. It is told what to do, one thing after another,
 * and tells what came of it.
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { StoreClaim } from '../../ports/log-store.ts'
import { SqliteApplying } from './applying.ts'
import { SqliteAsking } from './asking.ts'
import type { Heard, Told, WorkerData } from './thread.ts'

const [, , pathOfProcess = ''] = process.argv
const { path, claim } = parentPort === null ? { path: pathOfProcess, claim: undefined } : (workerData as WorkerData)
let connection: SqliteApplying | SqliteAsking | undefined

function connected(by: StoreClaim | undefined): SqliteApplying | SqliteAsking {
  connection ??= by === undefined ? new SqliteAsking(path) : new SqliteApplying(path, by)
  return connection
}

function tell(said: Heard): void {
  if (parentPort === null) process.send?.(said)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  else parentPort.postMessage(said)
}

function asked({ number, name, values }: Told): void {
  void (async () => {
    try {
      const methods = connected(claim) as unknown as Record<string, (...all: readonly unknown[]) => unknown>
      tell({ number, value: await methods[name]?.(...values) })
    } catch (error) {
      const { code, message } = error as Error & { readonly code?: string }
      tell({ number, fault: { kind: (error as Error).constructor.name, code, message } })
    }
  })()
}

if (parentPort === null) process.on('message', asked)
else parentPort.on('message', asked)
