/**
 * The demo of sets: three peers, monkeys of each kind at them for a while, and peers killed with -9
 * meanwhile. It held when all peers have the same in the end, and nothing that was answered is
 * missing: the monkeys find that out.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { environment, ROOT, withoutVariables } from '../run.ts'
import { DemoPeer, PROGRAM, until } from './peer-process.ts'
import { portsOr } from './ports.ts'

const PEERS = 3
const START_MS = 90_000
/** How long a killed peer stays away. */
const AWAY_MS = 2_000
/** Kills while the monkeys play. */
const KILLS = 4
/** Monkeys may take so long, once their time is over, to see that all are equal. */
const ENDING_MS = 90_000
/** As the system that is taken in starts them by habit. */
const MONKEYS: readonly (readonly [kind: string, ...flags: string[]])[] = [
  ['normal', '-processes', '3', '-workers', '5'],
  ['offline-online'],
  ['viewer'],
]
const PAUSE_SECONDS = '2'

export interface SetsStoryInit {
  /** Where the peers keep their data. */
  readonly directory: string
  /**
   * Every process is added here before anything is waited for, so that whoever ends the demo can
   * end it.
   */
  readonly peers: DemoPeer[]
  readonly monkeys: ChildProcess[]
  readonly seconds: number
  readonly say: (text: string) => void
  readonly signal: AbortSignal
}

/** Tells it all. @throws Error that says what did not hold */
export async function tellOfSets(init: SetsStoryInit): Promise<void> {
  const { peers, say, signal, seconds } = init
  // A peer that is started again has to be found where it was.
  const ports = await portsOr(Array.from({ length: PEERS }, () => 0))
  for (const [index, port] of ports.entries()) {
    const peer = new DemoPeer(init.directory, 'cluster-1', index + 1, peers[0]?.addresses[0], ['-lww', String(port)])
    peers.push(peer)
    await until(`${peer.name} listens`, () => listening(peer), { timeoutMs: START_MS, signal })
    say(`${peer.name} serves the set main at http://127.0.0.1:${port}`)
  }
  await until('every peer is ready', () => peers.every(({ isReady }) => isReady) || undefined, { timeoutMs: START_MS, signal })
  say(`monkeys play for ${seconds} s: 15 normal ones in 3 processes, an offline-online one, and a viewer`)
  const urls = ports.flatMap((port) => ['-url', `http://127.0.0.1:${port}`])
  const ends = MONKEYS.map((flags) => play(init, [...flags, ...urls, '-seconds', String(seconds), '-pause', PAUSE_SECONDS]))
  await killMeanwhile(init)
  const over = delay(seconds * 1_000 + ENDING_MS, undefined, { signal, ref: false }).then(() => {
    throw new Error('the monkeys did not end in time')
  })
  const faults = (await Promise.race([Promise.all(ends), over])).filter((fault) => fault !== undefined)
  if (faults.length > 0) throw new Error(faults.join('; '))
  say('all peers are equal, and nothing that was answered is missing')
}

function listening(peer: DemoPeer): true | undefined {
  peer.assertRuns()
  return peer.isListening || undefined
}

/** Kills a peer now and then, each in turn, and starts it again. */
async function killMeanwhile({ peers, seconds, say, signal }: SetsStoryInit): Promise<void> {
  for (let count = 0; count < KILLS; count += 1) {
    await delay((seconds * 1_000) / (KILLS + 1) - AWAY_MS, undefined, { signal })
    const index = count % peers.length
    const peer = peers[index] as DemoPeer
    peer.kill()
    say(`${peer.name} is killed with -9`)
    await until(`${peer.name} ends`, () => peer.ending, { timeoutMs: START_MS, signal })
    await delay(AWAY_MS, undefined, { signal })
    peers[index] = peer.again()
    say(`${peer.name} is started again`)
  }
}

/** Runs monkeys to their end. @returns what they found wrong; undefined when nothing is */
async function play({ directory, monkeys, say, signal }: SetsStoryInit, flags: readonly string[]): Promise<string | undefined> {
  const [kind] = flags
  const child = spawn(join(ROOT, PROGRAM), ['monkeys', ...flags], {
    cwd: directory,
    env: withoutVariables(environment(), 'REPLICATOR_'),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  monkeys.push(child)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  const { promise, resolve } = Promise.withResolvers<string>()
  child.on('error', (error) => resolve(error.message))
  child.on('close', (code, killer) => resolve(String(code ?? killer)))
  signal.addEventListener('abort', () => child.kill('SIGKILL'))
  const ending = await promise
  const lines = output.trimEnd().split('\n')
  for (const line of lines.slice(-2)) say(`${kind}: ${line}`)
  return ending === '0' ? undefined : `the ${kind} monkeys ended with ${ending}: ${lines.at(-1)}`
}
