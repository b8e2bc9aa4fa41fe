/**
 * Throughput and latency of one kind of request at a time, ours and others' in turns: A B A B, so
 * that a machine that drifts favours neither, and so that ratios are taken of runs that lie side by
 * side.
 */
import { spreadOf } from '../statistics.ts'
import type { Spread } from '../statistics.ts'
import { ownMib, processorSeconds } from '../usage.ts'
import type { Contender, Load } from './contender.ts'
import type { Options } from './options.ts'
import { figure, spread } from './table.ts'
import type { Table } from './table.ts'
import { ratesOf } from './rates.ts'
import type { Rates } from './rates.ts'
import { isOfRegisters, letters } from './wrk.ts'
import type { Workload } from './wrk.ts'

/**
 * Before anything is measured each side is warmed up by so many seconds of puts, and of gets. V8
 * goes on compiling for about that long: a put takes half as much again in its first seconds.
 */
const WARM_UP_SECONDS = { puts: 20, gets: 5, overwrites: 20, reads: 5 } as const
/** Registers that are there before anything is measured. */
const REGISTERS = 10_000
const WARM_UP_CONNECTIONS = 64
const TITLES: Readonly<Record<Workload, string>> = {
  puts: 'Puts of new keys',
  gets: 'Gets of stored keys',
  absent: 'Gets of absent keys',
  mix: 'Nine gets of stored keys to one put',
  overwrites: 'Overwrites of 10,000 registers',
  reads: 'Linearizable gets of registers',
  swaps: 'Compare-and-sets',
  hot: 'Writes of one register',
}

/** One run of one side. */
interface Run extends Rates {
  /** In cores. */
  readonly serverCores: number
  readonly generatorCores: number
  /** Of the server with the most memory of its own. */
  readonly ownMib: number
}

interface Row {
  readonly contender: string
  readonly connections: number
  readonly runs: readonly Run[]
  /** Of throughput, ours over theirs, run by run. */
  readonly ratios: readonly number[]
}

let named = 0

/** 10 letters that no other run has. */
export function newName(): string {
  named += 1
  return `run${letters(Math.floor(named / 676))}${letters(named)}aaa`
}

/** @param workloads what is measured afterwards */
export async function warmUp(contenders: readonly Contender[], stored: number, workloads: readonly Workload[]): Promise<void> {
  const ofKeys = workloads.every(isOfRegisters) ? [] : (['puts', 'gets'] as const)
  const ofRegisters = workloads.some(isOfRegisters) ? (['overwrites', 'reads'] as const) : []
  for (const contender of contenders) {
    await contender.fill(stored, ofRegisters.length === 0 ? 0 : REGISTERS)
    for (const workload of [...ofKeys, ...ofRegisters]) await warmUpAt(contender, workload)
  }
}

/** Has a side do one kind of work until V8 has compiled what it takes. */
export async function warmUpAt(contender: Contender, workload: keyof typeof WARM_UP_SECONDS): Promise<void> {
  await contender.drive({ workload, connections: WARM_UP_CONNECTIONS, seconds: WARM_UP_SECONDS[workload], name: newName(), pauseMs: 0 })
}

/** What is measured in turns: a side, or one kind of its work. */
type Driven = Pick<Contender, 'name' | 'processIds' | 'drive'>

/** @param contenders the first is the one whose ratios to the others are told */
export async function measureWorkload(
  workload: Workload,
  contenders: readonly Driven[],
  options: Pick<Options, 'connections' | 'runs' | 'seconds'>,
  say: (text: string) => void,
): Promise<Table> {
  const rows: Row[] = []
  for (const connections of options.connections) {
    const byContender = new Map<Driven, Run[]>(contenders.map((contender) => [contender, []]))
    for (let run = 0; run < options.runs; run += 1) {
      for (const [contender, runs] of byContender) {
        const load = { workload, connections, seconds: options.seconds, name: newName(), pauseMs: 0 }
        const measured = await measure(contender, load)
        runs.push(measured)
        say(`${workload}, ${connections} connections, ${contender.name}: ${figure(measured.perSecond)}/s, p99 ${figure(measured.p99Ms)} ms`)
      }
    }
    const [ours = []] = byContender.values()
    for (const [contender, runs] of byContender) {
      const ratios = runs.map((run, index) => (ours[index]?.perSecond ?? 0) / run.perSecond)
      rows.push({ contender: contender.name, connections, runs, ratios })
    }
  }
  return tableOf(workload, rows, options)
}

/**
 * Overwrites of registers beside puts of new keys, both of one side: what a key that changes costs
 * more than one that does not.
 */
export async function measureOverwritesBesidePuts(side: Contender, options: Options, say: (text: string) => void): Promise<Table> {
  const [overwrites, puts] = (['overwrites', 'puts'] as const).map((workload): Driven => {
    const { name, processIds } = side
    return { name: `${name}, ${workload}`, processIds, drive: (load) => side.drive({ ...load, workload }) }
  })
  if (overwrites === undefined || puts === undefined) throw new Error('nothing to measure')
  const measured = await measureWorkload('overwrites', [overwrites, puts], options, say)
  return { ...measured, title: 'Overwrites of registers, and puts of new keys' }
}

async function measure(contender: Driven, load: Load): Promise<Run> {
  const beforeSeconds = processorSeconds(contender.processIds)
  const startedMs = performance.now()
  const measured = await contender.drive(load)
  const elapsedSeconds = (performance.now() - startedMs) / 1_000
  const serverSeconds = processorSeconds(contender.processIds) - beforeSeconds
  const memory = contender.processIds.map(ownMib)
  const generatorSeconds = measured.reduce((sum, one) => sum + one.processorSeconds, 0)
  return {
    ...ratesOf(measured),
    serverCores: serverSeconds / elapsedSeconds,
    generatorCores: generatorSeconds / elapsedSeconds,
    ownMib: Math.max(...memory),
  }
}

function tableOf(workload: Workload, rows: readonly Row[], { runs, seconds }: Pick<Options, 'runs' | 'seconds'>): Table {
  const over = (row: Row, pick: (run: Run) => number): Spread => spreadOf(row.runs.map(pick))
  const [ours] = rows
  return {
    title: TITLES[workload],
    note: `${runs} runs of ${seconds} s each, in turns; medians, with the least and the most. Processor time in cores; memory of the largest server.`,
    columns: [
      '',
      'connections',
      'per second',
      'p50 ms',
      'p99 ms',
      'p99.9 ms',
      'servers',
      'generator',
      'own MiB',
      `${ours?.contender ?? ''} is × this`,
    ],
    rows: rows.map((row) => [
      row.contender,
      String(row.connections),
      spread(over(row, (run) => run.perSecond)),
      figure(over(row, (run) => run.p50Ms).median),
      spread(over(row, (run) => run.p99Ms)),
      figure(over(row, (run) => run.p999Ms).median),
      figure(over(row, (run) => run.serverCores).median),
      figure(over(row, (run) => run.generatorCores).median),
      figure(over(row, (run) => run.ownMib).median),
      row.contender === ours?.contender ? '' : spread(spreadOf(row.ratios)),
    ]),
    raw: rows,
  }
}
