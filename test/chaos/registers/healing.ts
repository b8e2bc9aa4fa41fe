/**
 * The end of a chaos run for registers: once all is mended, all copies become equal, and a quorum
 * shows the same. What they show goes into the history, so that what was acknowledged must be there.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Fleet } from '../fleet.ts'
import { RegisterAsker } from './asking.ts'
import type { RegisterAnswer, RegisterHistory, RegisterOperation } from './history.ts'

/** On a machine that is shared: many times what it takes. */
const EQUAL_MS = 60_000
const LOOK_MS = 500
const GET_MS = 5_000
const READERS = 8
const SHOWN_MAX = 5

/** @returns what went wrong */
export async function healRegisters(fleet: Fleet, history: RegisterHistory): Promise<string[]> {
  return readAll(history, (asker, key) => differences(fleet, asker, key))
}

/** All of them are gone everywhere. @returns what went wrong */
export async function healExpired(fleet: Fleet, history: RegisterHistory): Promise<string[]> {
  return readAll(history, async (asker, key) => {
    const wrong = await differences(fleet, asker, key)
    return wrong ?? ((await quorum(fleet, asker, key)).kind === 'found' ? 'it has not expired' : undefined)
  })
}

async function readAll(
  history: RegisterHistory,
  look: (asker: RegisterAsker, key: string) => Promise<string | undefined>,
): Promise<string[]> {
  const asker = new RegisterAsker(history)
  const wrong: string[] = []
  const deadlineMs = performance.now() + EQUAL_MS
  const keys = [...history.byKey.keys()]
  const reader = async (): Promise<void> => {
    for (let key = keys.pop(); key !== undefined; key = keys.pop()) {
      let told = await look(asker, key)
      while (told !== undefined && performance.now() < deadlineMs) {
        await delay(LOOK_MS)
        told = await look(asker, key)
      }
      if (told !== undefined) wrong.push(`${key}: ${told}`)
    }
  }
  await Promise.all(Array.from({ length: READERS }, () => reader()))
  return wrong.length > SHOWN_MAX ? [...wrong.slice(0, SHOWN_MAX), `and ${wrong.length - SHOWN_MAX} registers more differ`] : wrong
}

/** @returns how the copies of a register differ from what a quorum shows; undefined when they do not */
async function differences(fleet: Fleet, asker: RegisterAsker, key: string): Promise<string | undefined> {
  const expected = shown(await quorum(fleet, asker, key))
  for (const peer of fleet.members) {
    const { answer } = await asker.get(key, peer, 'local', GET_MS)
    if (shown(answer) !== expected) return `${shown(answer)} in the copy of ${peer.name}, and ${expected} at a quorum`
  }
  return undefined
}

async function quorum(fleet: Fleet, asker: RegisterAsker, key: string): Promise<RegisterAnswer> {
  const [peer] = fleet.members
  if (peer === undefined) return { kind: 'unknown' }
  const { answer }: RegisterOperation = await asker.get(key, peer, 'linearizable', GET_MS)
  return answer
}

function shown(answer: RegisterAnswer): string {
  return answer.kind === 'found' ? `version ${answer.version} ${answer.value}` : answer.kind
}
