/**
 * The begin and the end of a chaos run for logs: each is born and has a store at every peer; and once
 * all is mended, every peer is a member again, all stores stand at one position, and each list is the
 * same in all of them. What they show goes into the history, so that what was acknowledged must be
 * there.
 */
import { until } from '../../process/network.ts'
import type { AskedPeer } from '../asking.ts'
import type { Fleet, Member } from '../fleet.ts'
import { LogAsker } from './asking.ts'
import { DIALECTS, logOf } from './dialects.ts'
import type { LogKind } from './dialects.ts'
import { ask, votersOf, statusOf } from './faults.ts'
import type { LogAnswer, LogHistory } from './history.ts'

/** On a machine that is shared: many times what it takes. */
const WHOLE_MS = 90_000
const READ_MS = 5_000
const TRIES_MAX = 5
const READERS = 8
const SHOWN_MAX = 5

/** Waits until a log is born and all peers vote on it, and orders what its lists need. */
export async function bearLog(fleet: Fleet, kind: LogKind): Promise<void> {
  const [first] = fleet.members as [Member]
  await everybodyVotes(fleet, kind)
  await prepareLog(first, kind)
}

/** Orders what lists need, at a log that is born. */
export async function prepareLog(peer: AskedPeer, kind: LogKind): Promise<void> {
  const { prepare } = DIALECTS[kind]
  if (prepare === undefined) return
  const headers = { 'Content-Type': 'text/plain', 'Idempotency-Key': 'prepare' }
  await until(
    `${logOf(kind)} is prepared`,
    async () => (await peer.process.client.ask('POST', `/logs/${logOf(kind)}`, { headers, body: prepare })).status === 200,
    WHOLE_MS,
  )
}

/** @returns what went wrong */
export async function healLog(fleet: Fleet, kind: LogKind, history: LogHistory): Promise<string[]> {
  try {
    await everybodyVotes(fleet, kind)
    await until(`all stores of ${logOf(kind)} are equal`, () => areEqual(fleet.members, kind), WHOLE_MS)
  } catch (error) {
    return [`${(error as Error).message}: ${await described(fleet, kind)}`]
  }
  return readAll(fleet.members, kind, history)
}

async function everybodyVotes(fleet: Fleet, kind: LogKind): Promise<void> {
  const [first] = fleet.members as [Member]
  await until(
    `every peer votes on ${logOf(kind)}`,
    async () => {
      const voters = await votersOf(first, kind)
      const away = fleet.members.filter(({ peerId }) => !voters.includes(peerId)).map(({ peerId }) => peerId)
      if (away.length === 0) return !(await statusOf(first, kind)).changing
      await ask(first, `/logs/${logOf(kind)}/change`, { add: away })
      return false
    },
    WHOLE_MS,
  )
}

/** Each of these peers has a store that is ready, and all stand at one position with one digest. */
export async function areEqual(peers: readonly AskedPeer[], kind: LogKind): Promise<boolean> {
  const first = peers[0] as AskedPeer
  const { leader, changing, replicas } = await statusOf(first, kind)
  const [one] = replicas
  const areAlike = replicas.every(
    ({ state, lag, applied, digest }) => state === 'ready' && lag === 0 && applied === one?.applied && digest === one.digest,
  )
  return leader !== null && !changing && replicas.length === peers.length && areAlike
}

async function described(fleet: Fleet, kind: LogKind): Promise<string> {
  const [first] = fleet.members as [Member]
  return statusOf(first, kind).then((status) => JSON.stringify(status), String)
}

/**
 * Reads each list that was asked for, once for all and from every store, into the history.
 *
 * @returns what differs
 */
export async function readAll(peers: readonly AskedPeer[], kind: LogKind, history: LogHistory): Promise<string[]> {
  const asker = new LogAsker(history)
  const prefix = `${logOf(kind)} `
  const lists = [...history.byKey.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length))
  const wrong: string[] = []
  const read = async (list: string, peer: AskedPeer, consistency: 'linearizable' | 'local'): Promise<string> => {
    for (let tried = 0; tried < TRIES_MAX; tried += 1) {
      const { answer } = await asker.read({ kind, list, peer, timeoutMs: READ_MS }, consistency)
      if (answer.kind !== 'unknown') return shown(answer)
    }
    return 'unanswered'
  }
  const reader = async (): Promise<void> => {
    for (let list = lists.pop(); list !== undefined; list = lists.pop()) {
      const expected = await read(list, peers[lists.length % peers.length] as AskedPeer, 'linearizable')
      for (const member of peers) {
        const held = await read(list, member, 'local')
        if (held !== expected) wrong.push(`${prefix}${list} at ${member.name}: ${held}, not ${expected}`)
      }
    }
  }
  await Promise.all(Array.from({ length: READERS }, () => reader()))
  return wrong.length > SHOWN_MAX ? [...wrong.slice(0, SHOWN_MAX), `and ${wrong.length - SHOWN_MAX} lists more differ`] : wrong
}

function shown(answer: LogAnswer): string {
  return answer.kind === 'found' ? answer.items.join(' ') : answer.kind
}
