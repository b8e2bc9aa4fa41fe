/**
 * The end of a chaos run: everything is mended, and then the network must be whole again by itself,
 * within deadlines.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { holdTheSame, until } from '../process/network.ts'
import { Asker } from './asking.ts'
import type { Fleet, Member } from './fleet.ts'
import { shownBy } from './history.ts'
import type { History } from './history.ts'

/** On a machine that is shared: many times what it takes. */
const READY_MS = 90_000
const SETTLED_MS = 90_000
const FREE_MS = 60_000
const GET_MS = 5_000
const READERS = 8
const TRIES_MAX = 5
const LOST_SHOWN_MAX = 5

export interface Healed {
  /** Until every peer was ready, from the moment that all of them ran. */
  readonly readyMs: number
  /** Until nothing was in doubt, all roots were equal, and all voted. */
  readonly equalMs: number
  readonly keyCount: number
  readonly violations: readonly string[]
}

/** Ends every fault. Resolves when all peers serve. */
export async function mend(fleet: Fleet): Promise<void> {
  fleet.restoreSurroundings()
  for (const { namespace } of fleet.members) await namespace?.settled()
  for (const member of fleet.members) if (member.state === 'paused') fleet.resume(member)
  await Promise.all(fleet.members.map((member) => startAgain(fleet, member)))
}

/** A peer whose start is under way is waited for. */
async function startAgain(fleet: Fleet, member: Member): Promise<void> {
  await until(`${member.name} is let go`, () => member.state !== 'starting', READY_MS)
  if (member.state !== 'up') await fleet.start(member)
}

/** @returns what went wrong, or how long it took */
export async function heal(fleet: Fleet, history: History): Promise<Healed> {
  const beganMs = performance.now()
  const violations: string[] = []
  const within = async (what: string, condition: () => Promise<boolean>, timeoutMs: number): Promise<number> => {
    try {
      await until(what, condition, timeoutMs)
    } catch (error) {
      violations.push(`${(error as Error).message}: ${await describePeers(fleet)}`)
    }
    return performance.now() - beganMs
  }
  const readyMs = await within('all peers are ready', () => areReady(fleet), READY_MS)
  const equalMs = await within('nothing is in doubt, all roots are equal, all vote', () => areEqual(fleet), SETTLED_MS)
  for (const member of fleet.members) await member.process.client.status().then(({ warnings }) => noteAlarms(member, warnings, violations))
  if (violations.length === 0) violations.push(...(await readEverything(fleet, history)))
  return { readyMs, equalMs, keyCount: history.byKey.size, violations }
}

async function areReady(fleet: Fleet): Promise<boolean> {
  const replies = await Promise.all(
    fleet.members.map(({ process }) => process.client.ask('GET', '/readyz', { signal: AbortSignal.timeout(FREE_MS) })),
  )
  return replies.every(({ status }) => status === 200)
}

async function areEqual(fleet: Fleet): Promise<boolean> {
  const isEqual = await holdTheSame(fleet.members.map(({ process }) => process))
  if (!isEqual) await delay(100)
  return isEqual && (await fleet.isComplete())
}

function noteAlarms(member: Member, warnings: readonly string[], violations: string[]): void {
  for (const warning of warnings) if (warning.includes('two chosen records')) violations.push(`${member.name} warns: ${warning}`)
}

async function describePeers(fleet: Fleet): Promise<string> {
  const lines = fleet.members.map(async ({ name, state, process }) => {
    try {
      const { role, ready, changing, epoch, inDoubt, keys, quorum } = await process.client.status()
      const ups = Object.entries(quorum).map(([clusterId, { up, voters }]) => `${clusterId} ${up}/${voters}`)
      return `${name} ${state} ${role} ready ${ready} changing ${changing} epoch ${epoch} in doubt ${inDoubt} keys ${keys.count} root ${keys.root.slice(0, 8)} up ${ups.join(' ')}`
    } catch (error) {
      return `${name} ${state}: ${String(error)}`
    }
  })
  return `\n${(await Promise.all(lines)).join('\n')}`
}

/**
 * Reads every key that was asked for, from every peer's own copy and once with a quorum, into the
 * history. What was acknowledged must be there, with its bytes.
 */
async function readEverything(fleet: Fleet, history: History): Promise<string[]> {
  const asker = new Asker(history)
  const lost: string[] = []
  const keys = [...history.byKey].map(
    ([key, operations]) => [key, operations.map((operation) => shownBy(operation)).find((etag) => etag !== undefined)] as const,
  )
  const read = async (key: string, peer: Member, consistency: 'linearizable' | 'local'): Promise<string> => {
    for (let tried = 0; tried < TRIES_MAX; tried += 1) {
      const { answer } = await asker.get({ key, peer, consistency, waitMs: 0, timeoutMs: GET_MS })
      if (answer.kind !== 'unknown') return 'etag' in answer ? answer.etag : answer.kind
    }
    return 'unanswered'
  }
  const readKey = async (key: string, shown: string | undefined, turn: number): Promise<void> => {
    const { members } = fleet
    const asked = members[turn % members.length]
    if (asked === undefined) return
    const held = await read(key, asked, 'linearizable')
    const expected = shown ?? held
    if (held !== expected) lost.push(`${key} at ${asked.name}: ${held}, not ${expected}`)
    for (const member of members) {
      const copy = await read(key, member, 'local')
      if (copy !== expected) lost.push(`${key} in the copy of ${member.name}: ${copy}, not ${expected}`)
    }
  }
  const reader = async (): Promise<void> => {
    for (let next = keys.pop(); next !== undefined; next = keys.pop()) await readKey(next[0], next[1], keys.length)
  }
  await Promise.all(Array.from({ length: READERS }, () => reader()))
  const more = lost.length > LOST_SHOWN_MAX ? [`and ${lost.length - LOST_SHOWN_MAX} more are lost or differ`] : []
  return [...lost.slice(0, LOST_SHOWN_MAX), ...more]
}
