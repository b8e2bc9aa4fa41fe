/**
 * `wrk` as the generator: one process for each server, so that connections are spread over them;
 * each costs a fraction of a core.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Latencies } from '../statistics.ts'

const SCRIPT = join(import.meta.dirname, 'wrk.lua')
/** An answer that takes longer counts as broken. */
const ANSWER_SECONDS = 30
/** wrk ends by itself; one that hangs is ended. */
const GRACE_MS = 40_000

export type KeyWorkload = 'puts' | 'gets' | 'absent' | 'mix'
export type RegisterWorkload = 'overwrites' | 'reads' | 'swaps' | 'hot'
export type Workload = KeyWorkload | RegisterWorkload
export const KEY_WORKLOADS: readonly KeyWorkload[] = ['puts', 'gets', 'absent', 'mix']
export const REGISTER_WORKLOADS: readonly RegisterWorkload[] = ['overwrites', 'reads', 'swaps', 'hot']

export function isOfRegisters(workload: Workload): workload is RegisterWorkload {
  return REGISTER_WORKLOADS.some((known) => known === workload)
}

/** What one wrk saw. */
export interface Measured extends Latencies {
  readonly elapsedUs: number
  readonly processorSeconds: number
  /** Answers with a status of 400 or more. */
  readonly refused: number
  /** Requests without an answer. */
  readonly broken: number
  readonly maxUs: number
}

/** Logs are sides of their own: a put is a command, a get a query. */
export type Side = 'replicator' | 'etcd' | 'kv-log' | 'redis-log' | 'sqlite-log'

export interface Driving {
  readonly side: Side
  readonly workload: Workload
  readonly connections: number
  readonly seconds: number
  /** 10 letters that no other run has; new keys are named by it. */
  readonly name: string
  /** How many keys, or registers, `storedstored…` there are. */
  readonly stored: number
  /** Mean milliseconds that a connection waits between two requests; 0 for none. */
  readonly pauseMs: number
  readonly signal: AbortSignal
}

/** Takes the line that wrk.lua prints at the end. @throws Error when it is not there */
export function parseMeasured(output: string): Measured {
  const line = output.split('\n').find((candidate) => candidate.startsWith('MEASURED '))
  if (line === undefined) throw new Error(`wrk measured nothing:\n${output}`)
  return JSON.parse(line.slice('MEASURED '.length)) as Measured
}

/** How many of the connections each of the servers gets; those that would get none are left out. */
export function shareOut(connections: number, servers: number): number[] {
  const shares = Array.from({ length: servers }, (_, index) => Math.floor((connections + servers - 1 - index) / servers))
  return shares.filter((share) => share > 0)
}

/**
 * Runs one wrk for each server that gets a connection. @param origins as `http://127.0.0.1:8001`
 */
export function drive(origins: readonly string[], driving: Driving): Promise<Measured[]> {
  const shares = shareOut(driving.connections, origins.length)
  return Promise.all(shares.map((share, index) => run(origins[index] ?? '', `${driving.name}${letters(index)}`, share, driving)))
}

async function run(origin: string, name: string, connections: number, driving: Driving): Promise<Measured> {
  const { seconds, side, workload, stored, pauseMs, signal } = driving
  const load = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', `${ANSWER_SECONDS}s`, '-s', SCRIPT, origin]
  const words = ['--', side, workload, name, String(stored), String(pauseMs)]
  const { stdout } = await promisify(execFile)('wrk', [...load, ...words], { timeout: seconds * 1_000 + GRACE_MS, signal })
  return parseMeasured(stdout)
}

/** Two letters for a small number. */
export function letters(number: number): string {
  return String.fromCharCode(97 + (Math.floor(number / 26) % 26), 97 + (number % 26))
}
