/** Runs of a world that holds logs beside keys. */
import { logsType } from '../../../../protocols/log/type.ts'
import { LIMITS } from '../../log/replica.ts'
import type { WorldType } from '../../type.ts'
import { simulate } from '../../world.ts'
import type { RunResult } from '../../world.ts'
import { KEYS } from '../keys/keys.ts'
import { noCounts, SimulatedLogs } from './simulated.ts'
import type { LogsCounts } from './simulated.ts'

export interface LogsRun {
  readonly result: RunResult
  readonly counts: LogsCounts
}

/** Peers of a cluster that must offer a store for a log to be born by itself. */
const MIN_PEERS = 2
/**
 * The writes of one log become durable in their order, so no peer's disk is loose. A log needs an
 * election time or two to begin, and round trips far below it.
 */
const NEEDS = { looseRate: 0, slowLinkRate: 0, farMs: 20, loadMs: 12_000 } as const

/** @param counts what is counted into it */
export function logsWorld(counts: LogsCounts = noCounts()): WorldType {
  return { begin: (init) => new SimulatedLogs(init, counts), further: logsType(MIN_PEERS, LIMITS), needs: NEEDS }
}

export function simulateLogs(seed: number, keepsLines = false): LogsRun {
  const counts = noCounts()
  const result = simulate(seed, keepsLines, {}, [KEYS, logsWorld(counts)])
  return { result, counts }
}
