/**
 * `npm run demo`: a whole network on this machine, two clusters of three peers as separate
 * processes, started through the program that users start. It shows that a key put in one cluster
 * is read in the other and cannot be put again, prints how to go on by hand, and stays until
 * Ctrl-C. `npm run demo -- --once` ends as soon as all of that held: exit 0, else 1 and why.
 *
 * `npm run demo -- sets` shows sets instead: three peers, monkeys at them for a minute
 * (`--seconds S`), peers killed meanwhile. It ends by itself: exit 0 when all peers are equal in
 * the end and nothing answered is missing.
 *
 * However it ends, its peers end with it and its directory is removed; only -9, which nobody can
 * catch, leaves both behind.
 */
import type { ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { PROGRAM } from './demo/peer-process.ts'
import type { DemoPeer } from './demo/peer-process.ts'
import { tellOfSets } from './demo/sets-story.ts'
import { Story } from './demo/story.ts'
import { formatSeconds, whenOrphaned } from './run.ts'

const USAGE = 'npm run demo [-- --once | -- sets [--seconds S]]'
const SETS_SECONDS = 60
/** Less is not enough for the kills. */
const SETS_SECONDS_MIN = 15
const EXIT_FAILED = 1
const EXIT_USAGE = 2
/** Shells tell an end by a signal so; to it the number of the signal is added. */
const EXIT_SIGNAL_BASE = 128
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const
/**
 * One Ctrl-C may arrive twice, from the terminal and from npm. A signal later than this is a second
 * one, from somebody in a hurry.
 */
const SAME_SIGNAL_MS = 1_000
/** Between looks at whether the peers still run. */
const LOOK_MS = 200

/** The demo was told to end. */
class Interrupted extends Error {
  override readonly name = 'Interrupted'
  readonly exitCode: number

  constructor(what: string, exitCode: number) {
    super(`${what}; ending`)
    this.exitCode = exitCode
  }
}

const startedMs = performance.now()
const stopping = new AbortController()
const peers: DemoPeer[] = []
const monkeys: ChildProcess[] = []
let directory: string | undefined
/** All that the demo shows was true. */
let held = false

/** Says one line, after the seconds since the start. */
function say(text: string): void {
  console.log(`${formatSeconds((performance.now() - startedMs) / 1_000).padStart(8)}  ${text}`)
}

/**
 * Ends the demo when it is told to, when nobody reads what it says any more, or when npm is gone.
 */
function watchForTheEnd(): void {
  let firstMs: number | undefined
  for (const [name, number] of Object.entries(SIGNALS)) {
    process.on(name, () => {
      firstMs ??= performance.now()
      if (performance.now() - firstMs > SAME_SIGNAL_MS) process.exit(EXIT_FAILED)
      stopping.abort(new Interrupted(name, EXIT_SIGNAL_BASE + number))
    })
  }
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => stopping.abort(new Interrupted('nobody reads the output', EXIT_FAILED)))
  }
  // Whatever else happens. What is done here cannot wait for anything.
  process.on('exit', () => {
    for (const peer of peers) peer.kill()
    for (const monkey of monkeys) monkey.kill('SIGKILL')
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  })
}

/**
 * Looks after the peers until the demo is told to end: one that is killed meanwhile is told of, and
 * the others go on.
 */
async function stay(): Promise<void> {
  const running = new Set(peers)
  while (running.size > 0) {
    await delay(LOOK_MS, undefined, { signal: stopping.signal })
    for (const peer of running) {
      if (peer.ending === undefined) continue
      running.delete(peer)
      say(`${peer.name} ended (${peer.ending}); ${running.size} of ${peers.length} peers run`)
    }
  }
  throw new Error('every peer has ended')
}

/** Tells the story, and stays unless it is told once. Throws why it did not hold. */
async function tell(once: boolean): Promise<void> {
  directory = await mkdtemp(join(tmpdir(), 'replicator-demo-'))
  const story = new Story({ directory, peers, say, signal: stopping.signal })
  await story.start()
  await story.show()
  held = true
  story.invite(once)
  if (!once) await stay()
}

/** Tells of sets. Throws what did not hold. */
async function tellOfMonkeys(seconds: number): Promise<void> {
  directory = await mkdtemp(join(tmpdir(), 'replicator-demo-'))
  await tellOfSets({ directory, peers, monkeys, seconds, say, signal: stopping.signal })
  held = true
}

/** The exit code for how it ended; what went wrong is said. */
function explain(error: unknown): number {
  const { reason } = stopping.signal
  if (reason instanceof Interrupted) {
    say(reason.message)
    return held ? 0 : reason.exitCode
  }
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`)
  return EXIT_FAILED
}

async function main(parameters: readonly string[]): Promise<number> {
  const [noun, flag, value] = parameters
  const seconds = flag === undefined ? SETS_SECONDS : Number(value)
  const isOfSets = noun === 'sets'
  const isGood = isOfSets
    ? (flag === undefined || (flag === '--seconds' && parameters.length === 3)) &&
      Number.isSafeInteger(seconds) &&
      seconds >= SETS_SECONDS_MIN
    : parameters.every((parameter) => parameter === '--once')
  if (!isGood) {
    console.error(`unknown argument; usage: ${USAGE}`)
    return EXIT_USAGE
  }
  watchForTheEnd()
  whenOrphaned(() => stopping.abort(new Interrupted('npm is gone', EXIT_FAILED)))
  const cast = isOfSets ? 'three peers and monkeys' : 'two clusters of three peers'
  console.log(`Replicator: ${cast} on this machine, each a process of its own (${PROGRAM})\n`)
  let exitCode = 0
  try {
    if (isOfSets) await tellOfMonkeys(seconds)
    else await tell(parameters.includes('--once'))
  } catch (error) {
    exitCode = explain(error)
  }
  await Promise.all(peers.map((peer) => peer.stop()))
  return exitCode
}

process.exit(await main(process.argv.slice(2)))
