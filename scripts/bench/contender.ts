/** What the bench compares: some servers that hold the same keys, and a way to load them. */
import type { Measured, Workload } from './wrk.ts'

/** What is put at every key, as wrk.lua makes it. */
export const VALUE: string = 'v'.repeat(100)
/** Bytes of a key and its value. */
export const CONTENT_BYTES = 124

/** Keys of `fill`, for gets of stored keys: 12 letters and 12 digits, as wrk.lua makes them. */
export function storedKey(number: number): string {
  return `storedstored${String(number).padStart(12, '0')}`
}

export function* storedKeys(count: number): Iterable<string> {
  for (let number = 0; number < count; number += 1) yield storedKey(number)
}

export interface Load {
  readonly workload: Workload
  readonly connections: number
  readonly seconds: number
  /** 10 letters that no other run has. */
  readonly name: string
  readonly pauseMs: number
}

/** Puts single keys at one server. */
export interface Writer {
  /** @throws Error when it is not certain that the key is stored */
  put(key: string): Promise<void>
  close(): void
}

export interface Contender {
  readonly name: string
  /** Of all its servers. */
  readonly processIds: readonly number[]
  /** Data directory of the first server. */
  readonly directory: string
  /** Stores so many keys for gets, and writes so many registers. */
  fill(count: number, registers: number): Promise<void>
  /**
   * Loads all servers for some seconds.
   *
   * @throws Error when an answer was not what the workload must get
   */
  drive(load: Load): Promise<readonly Measured[]>
  /** A client of the server. @param answerMs it gives up an answer after that */
  writer(server: number, answerMs: number): Writer
  /** The server whose loss hurts most; where all are equal, another each time. */
  victim(turn: number): Promise<number>
  kill(server: number): Promise<void>
  /** Starts a killed server, and waits until all are as before. */
  restart(server: number): Promise<void>
  close(): Promise<void>
}
