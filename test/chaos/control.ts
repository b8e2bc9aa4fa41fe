/**
 * What the driver of a chaos run tells the preload in a peer, through a file that the preload looks
 * at again and again.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'

/** Names the file, in the environment of a peer. */
export const CONTROL_VARIABLE = 'TEST_CHAOS_CONTROL'
/** Names a planted bug, in the environment of a peer. */
export const PLANTED_VARIABLE = 'TEST_CHAOS_PLANTED'
/** For `--import`. */
export const PRELOAD: string = new URL('./preload.ts', import.meta.url).href

export const PLANTED = [
  'miss-sold-as-absent',
  'answered-before-written',
  'in-doubt-called-not-stored',
  'register-copy-sold-as-quorum',
  'register-tries-renamed',
  'log-store-asked-at-once',
  'log-tries-renamed',
  'log-in-doubt-called-not-ordered',
] as const
export type Planted = (typeof PLANTED)[number]

/** What happens to messages sent over one link, in one direction. */
export interface Link {
  readonly isCut: boolean
  /** Each message waits for a time between none and this, and so may be overtaken. */
  readonly delayMs: number
  readonly lossRate: number
  readonly duplicateRate: number
}

export interface Control {
  /** By the peer id that is sent to. */
  readonly links: Readonly<Record<string, Link>>
  /**
   * The disk is given each transaction after a time between none and this; a kill before that loses
   * it.
   */
  readonly diskDelayMs: number
  /** Every sync fails; whether what it was for is on disk then, nobody knows. */
  readonly isDiskFailing: boolean
  /** Added to the wall clock. */
  readonly wallOffsetMs: number
}

export const CONTROL_NONE: Control = { links: {}, diskDelayMs: 0, isDiskFailing: false, wallOffsetMs: 0 }

/** At each instant the file holds what was written before, or all of what is written now. */
export function writeControl(path: string, control: Control): void {
  writeFileSync(`${path}.new`, JSON.stringify(control))
  renameSync(`${path}.new`, path)
}

export function readControl(path: string): Control {
  return JSON.parse(readFileSync(path, 'utf8')) as Control
}
