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
 * `npm run demo -- hraftd` shows a log at three peers behind hraftd's interface, with nginx in front
 * where it is installed; `npm run demo -- redis` shows the lines of Nexus over three Redis; `npm run
 * demo -- kafka` shows three databases in one order through Kafka. They stay until Ctrl-C, or end
 * with `--once`.
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
import { tellOfHraftd } from './demo/hraftd-story.ts'
import { tellOfKafka } from './demo/kafka-story.ts'
import { tellOfRedis, whyNoRedis } from './demo/redis-story.ts'
import { tellOfSets } from './demo/sets-story.ts'
import { Story } from './demo/story.ts'
import { whyNoKafka } from './kafka-home.ts'
import { formatSeconds, whenOrphaned } from './run.ts'

const USAGE = 'npm run demo [-- --once | -- sets [--seconds S] | -- hraftd [--once] | -- redis [--once] | -- kafka [--once]]'
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
/** As long as timers go. */
const STAY_MS = 2_147_483_647

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
/** Whatever else runs: monkeys, servers of others. */
const helpers: ChildProcess[] = []
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
    for (const helper of helpers) helper.kill('SIGKILL')
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
  await tellOfSets({ directory, peers, monkeys: helpers, seconds, say, signal: stopping.signal })
  held = true
}

type LogNoun = 'hraftd' | 'redis' | 'kafka'
/** Why it cannot be told here; false when it can. */
const WHY_NOT: Readonly<Record<LogNoun, () => string | false>> = { hraftd: () => false, redis: whyNoRedis, kafka: whyNoKafka }

/** Tells of a log as another system has it, and stays unless it is told once. Throws what did not hold. */
async function tellOfLog(noun: LogNoun, once: boolean): Promise<void> {
  const whyNot = WHY_NOT[noun]()
  if (whyNot !== false) throw new Error(whyNot)
  directory = await mkdtemp(join(tmpdir(), 'replicator-demo-'))
  const { signal } = stopping
  if (noun === 'hraftd') await tellOfHraftd({ directory, peers, helpers, say, signal })
  else if (noun === 'redis') await tellOfRedis({ directory, helpers, say, signal })
  else await tellOfKafka({ directory, helpers, say, signal })
  held = true
  console.log(once ? '\nEnding.\n' : `\nData and logs are in ${directory} until the end.\nCtrl-C ends all of it.\n`)
  if (!once) await (noun === 'hraftd' ? stay() : delay(STAY_MS, undefined, { signal }))
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

interface Told {
  readonly cast: string
  readonly tell: () => Promise<void>
}

/** @returns undefined for what is not known */
function toldBy(parameters: readonly string[]): Told | undefined {
  const [noun, flag, value] = parameters
  if (noun === 'sets') {
    const seconds = flag === undefined ? SETS_SECONDS : Number(value)
    const isGood = (flag === undefined || (flag === '--seconds' && parameters.length === 3)) && Number.isSafeInteger(seconds)
    if (!isGood || seconds < SETS_SECONDS_MIN) return undefined
    return { cast: 'three peers and monkeys', tell: () => tellOfMonkeys(seconds) }
  }
  const isOfLog = noun === 'hraftd' || noun === 'redis' || noun === 'kafka'
  const once = parameters.includes('--once')
  if (!parameters.slice(isOfLog ? 1 : 0).every((parameter) => parameter === '--once')) return undefined
  if (isOfLog)
    return { cast: noun === 'kafka' ? 'three databases and a Kafka' : 'three peers with a log', tell: () => tellOfLog(noun, once) }
  return { cast: 'two clusters of three peers', tell: () => tell(once) }
}

async function main(parameters: readonly string[]): Promise<number> {
  const told = toldBy(parameters)
  if (told === undefined) {
    console.error(`unknown argument; usage: ${USAGE}`)
    return EXIT_USAGE
  }
  watchForTheEnd()
  whenOrphaned(() => stopping.abort(new Interrupted('npm is gone', EXIT_FAILED)))
  console.log(`Replicator: ${told.cast} on this machine, each a process of its own (${PROGRAM})\n`)
  let exitCode = 0
  try {
    await told.tell()
  } catch (error) {
    exitCode = explain(error)
  }
  await Promise.all(peers.map((peer) => peer.stop()))
  return exitCode
}

process.exit(await main(process.argv.slice(2)))
