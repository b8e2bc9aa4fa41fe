/**
 * `npm run bench`: what our peers do beside what people would use instead, on this machine, in one
 * run. See docs/benchmarks.md.
 *
 * All that it starts ends with it, and its directories are removed, however it ends; only -9, which
 * nobody can catch, leaves them.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Contender } from './bench/contender.ts'
import { measureCosts } from './bench/cost.ts'
import { measureFar } from './bench/far.ts'
import { measureGrowth } from './bench/growth.ts'
import { Etcd } from './bench/etcd.ts'
import { canHaveEtcd } from './bench/etcd-program.ts'
import { measureKills } from './bench/killed.ts'
import { Nats } from './bench/nats.ts'
import { parseOptions, USAGE, workloadsOf } from './bench/options.ts'
import type { Against, Options, Part } from './bench/options.ts'
import { measureLogs } from './bench/logs.ts'
import { killServers } from './bench/processes.ts'
import { measureCatchUp, measureStart } from './bench/recovery.ts'
import { PROGRAM, Replicator } from './bench/replicator.ts'
import { soak } from './bench/soak.ts'
import { measureStages } from './bench/stages.ts'
import { formatTable } from './bench/table.ts'
import type { Table } from './bench/table.ts'
import { measureOverwritesBesidePuts, measureWorkload, warmUp, warmUpAt } from './bench/throughput.ts'
import { measureBackup, measureImport } from './bench/transfer.ts'
import { measureFarTrouble } from './bench/far-trouble.ts'
import { measureWan } from './bench/wan.ts'
import { measureWatches } from './bench/watches.ts'
import { formatSeconds, whenOrphaned } from './run.ts'

const EXIT_FAILED = 1
const EXIT_USAGE = 2
/** Shells tell an end by a signal so; to it the number of the signal is added. */
const EXIT_SIGNAL_BASE = 128
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const
/** Ending everything in order takes no longer; after it all is killed. */
const END_MS = 20_000
const WIDE_CONNECTIONS = 64
const CLUSTERS = 3
/** Of so many lines that are imported, one key is backed up. */
const BACKED_UP = 10
/** Watches are looked at for so many times as long as one run of anything else. */
const WATCHED_RUNS = 4
/** Programs that must be installed, and the package of Debian that has each. */
const PROGRAMS: Readonly<Record<'wrk' | Exclude<Against, 'etcd'>, readonly [program: string, version: string, from: string]>> = {
  wrk: ['wrk', '-v', 'wrk'],
  nats: ['nats-server', '--version', 'nats-server'],
}

const startedMs = performance.now()
const stopping = new AbortController()
const closers: (() => Promise<void>)[] = []
/** Everything that is made lies in it, the directories of peers too. */
let directory = ''

function say(text: string): void {
  console.log(`${formatSeconds((performance.now() - startedMs) / 1_000).padStart(9)}  ${text}`)
}

function watchForTheEnd(): void {
  const end = (code: number): void => {
    if (stopping.signal.aborted) leave(code)
    stopping.abort(new Error('told to end'))
    process.exitCode = code
    setTimeout(() => leave(code), END_MS).unref()
    void closeAll().finally(() => leave(code))
  }
  for (const [name, number] of Object.entries(SIGNALS)) process.on(name, () => end(EXIT_SIGNAL_BASE + number))
  whenOrphaned(() => end(EXIT_FAILED))
}

/** Ends whatever still runs, and removes what it wrote. */
function leave(code: number): never {
  // Told last, when those that stand for networks of peers have killed theirs.
  process.on('exit', () => {
    killServers()
    if (directory !== '') rmSync(directory, { recursive: true, force: true, maxRetries: 10 })
  })
  process.exit(code)
}

async function closeAll(): Promise<void> {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close()
}

/** Closed at the end, whatever happens before. */
function closing<Closable extends { close(): Promise<void> }>(opened: Closable): Closable {
  closers.push(() => opened.close())
  return opened
}

/**
 * What is missing, each with how to get it. What runs in simulated time needs nothing, and what
 * asks one at a time no generator.
 */
function missing({ parts, against, soakSeconds }: Options): string[] {
  const onlyOf = (...names: Part[]): boolean => soakSeconds === undefined && [...parts].every((part) => names.includes(part))
  if (onlyOf('growth')) return []
  const isLoading = !onlyOf('growth', 'wan', 'watches', 'import', 'backup')
  const wanted = isLoading ? (['wrk', ...against.filter((other) => other !== 'etcd')] as const) : []
  const lacking = wanted.filter((name) => spawnSync(PROGRAMS[name][0], [PROGRAMS[name][1]]).error !== undefined)
  const lines = lacking.map((name) => `${PROGRAMS[name][0]} is not installed; on Debian: apt-get install ${PROGRAMS[name][2]}`)
  if (isLoading && against.includes('etcd') && !canHaveEtcd())
    lines.push('neither Go nor etcd is installed; on Debian: apt-get install etcd-server, or golang for a current etcd')
  if (!existsSync(PROGRAM)) lines.push('the program is not built: npm run build')
  return lines
}

async function compare(options: Options): Promise<Table[]> {
  const workloads = workloadsOf(options.parts)
  const isKilling = options.parts.has('killed')
  if (workloads.length === 0 && !isKilling) return []
  const ours = closing(await Replicator.start(1, stopping.signal))
  const contenders: Contender[] = [ours]
  for (const other of options.against) {
    contenders.push(closing(other === 'etcd' ? await Etcd.start(directory, stopping.signal, say) : await Nats.start(directory)))
  }
  say(`started: ${contenders.map(({ name }) => name).join(', ')}`)
  await warmUp(contenders, options.stored, workloads.length > 0 ? workloads : ['puts'])
  const tables: Table[] = []
  for (const workload of workloads) tables.push(await measureWorkload(workload, contenders, options, say))
  if (workloads.includes('overwrites')) {
    if (!workloads.includes('puts')) await warmUpAt(ours, 'puts')
    tables.push(await measureOverwritesBesidePuts(ours, options, say))
  }
  if (isKilling) tables.push(await measureKills(contenders, options.runs, say))
  await closeAll()
  return tables
}

async function compareClusters(options: Options): Promise<Table[]> {
  const several = closing(await Replicator.start(CLUSTERS, stopping.signal))
  const one = closing(await Replicator.start(1, stopping.signal))
  await warmUp([several, one], options.stored, ['puts'])
  const connections = options.connections.includes(WIDE_CONNECTIONS) ? [WIDE_CONNECTIONS] : options.connections
  const measured = await measureWorkload('puts', [several, one], { ...options, connections }, say)
  const costs = await measureCosts([one, several], options.seconds)
  await closeAll()
  return [{ ...measured, title: `Puts with ${CLUSTERS} clusters of 3, and with one` }, costs]
}

async function measureAll(options: Options): Promise<Table[]> {
  const { parts, runs, soakSeconds } = options
  const { signal } = stopping
  if (soakSeconds !== undefined) return [await soak(soakSeconds, options, signal, say)]
  const tables = await compare(options)
  if (parts.has('clusters')) tables.push(...(await compareClusters(options)))
  if (parts.has('stages')) tables.push(await measureStages(options.seconds, options.stored, signal, say))
  if (parts.has('catch-up')) tables.push(await measureCatchUp(options.missedKeys, runs, signal, say))
  if (parts.has('start')) tables.push(await measureStart(options.startKeys, runs, signal, say))
  if (parts.has('watches')) tables.push(await measureWatches(options.seconds * WATCHED_RUNS, signal, say))
  if (parts.has('wan')) tables.push(measureWan(say), measureFarTrouble(say), await measureFar(signal, say))
  if (parts.has('import')) tables.push(await measureImport(options.lines, directory, signal, say))
  if (parts.has('backup')) tables.push(await measureBackup(Math.ceil(options.lines / BACKED_UP), directory, signal, say))
  if (parts.has('logs')) {
    tables.push(...(await measureLogs(options, directory, signal, closing, say)))
    await closeAll()
  }
  if (parts.has('growth')) tables.push(measureGrowth(options.peersMax, say))
  return tables
}

function describeMachine(): string {
  return `${availableParallelism()} processors (${cpus()[0]?.model.trim() ?? 'unknown'}), Node ${process.version}, ${process.platform}`
}

async function main(parameters: readonly string[]): Promise<number> {
  let options: Options
  try {
    options = parseOptions(parameters)
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`)
    return EXIT_USAGE
  }
  if (options.from !== undefined) {
    const { tables } = JSON.parse(readFileSync(options.from, 'utf8')) as { tables: Table[] }
    for (const table of tables) console.log(formatTable(table, options.markdown))
    return 0
  }
  const lacking = missing(options)
  for (const line of lacking) console.error(line)
  if (lacking.length > 0) return EXIT_FAILED
  directory = await mkdtemp(join(tmpdir(), 'replicator-bench-'))
  process.env['TMPDIR'] = directory
  watchForTheEnd()
  console.log(`bench ${parameters.join(' ')}\n${describeMachine()}\n`)
  try {
    const tables = await measureAll(options)
    for (const table of tables) console.log(formatTable(table, options.markdown))
    if (options.json !== undefined) {
      writeFileSync(options.json, JSON.stringify({ command: parameters, machine: describeMachine(), tables }, undefined, 1))
    }
    return 0
  } catch (error) {
    // Told to end: what fails then fails because of that, and `end` leaves.
    if (stopping.signal.aborted) await new Promise(() => undefined)
    console.error(error)
    return EXIT_FAILED
  } finally {
    await closeAll()
  }
}

leave(await main(process.argv.slice(2)))
