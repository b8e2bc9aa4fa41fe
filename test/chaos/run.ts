/** One chaos run, from an empty directory to its verdict. */
import { setTimeout as delay } from 'node:timers/promises'
import { Network } from '../process/network.ts'
import { Chance } from '../simulation/chance.ts'
import { Availability } from './availability.ts'
import type { Gaps } from './availability.ts'
import { Faults } from './faults.ts'
import { Fleet } from './fleet.ts'
import { heal, mend } from './healing.ts'
import type { Healed } from './healing.ts'
import { History } from './history.ts'
import { LogPart } from './logs/part.ts'
import type { LogVerdict } from './logs/verdict.ts'
import type { ChaosOptions } from './options.ts'
import { healExpired, healRegisters } from './registers/healing.ts'
import { RegisterHistory } from './registers/history.ts'
import { judgeRegisters } from './registers/verdict.ts'
import type { RegisterVerdict } from './registers/verdict.ts'
import { RegisterWorkload } from './registers/workload.ts'
import { judge } from './verdict.ts'
import type { Verdict } from './verdict.ts'
import { Workload } from './workload.ts'

const PROGRESS_MS = 5_000
/** Names a variable of the network's: it then keeps its directory. */
const KEEP = 'REPLICATOR_TEST_KEEP'

export interface ChaosResult {
  readonly operations: number
  readonly counts: ReadonlyMap<string, number>
  readonly faults: ReadonlyMap<string, number>
  readonly gaps: Gaps
  readonly healed: Healed | undefined
  readonly verdict: Verdict
  readonly registers: RegisterVerdict
  readonly logs: LogVerdict
  readonly violations: readonly string[]
  /** Where the logs and stores are, when they were kept. */
  readonly directory: string | undefined
}

/**
 * Runs it. However it ends, no process stays; the directory stays when there was a violation.
 *
 * @param say told of progress and faults, a line each
 * @throws the signal's reason when that aborts
 */
export async function runChaos(options: ChaosOptions, say: (text: string) => void, signal?: AbortSignal): Promise<ChaosResult> {
  const network = await Network.create(signal === undefined)
  const aborted = Promise.withResolvers<never>()
  aborted.promise.catch(() => undefined)
  signal?.addEventListener('abort', () => aborted.reject(signal.reason as Error), { once: true })
  let isKept = false
  try {
    const result = await Promise.race([runIn(network, options, say, signal), aborted.promise])
    isKept = result.violations.length > 0
    return isKept ? { ...result, directory: network.directory } : result
  } catch (error) {
    isKept = signal?.aborted !== true
    if (isKept) say(`the directory ${network.directory} is kept`)
    throw error
  } finally {
    await close(network, isKept)
  }
}

async function close(network: Network, isKept: boolean): Promise<void> {
  const before = process.env[KEEP]
  if (isKept) process.env[KEEP] = '1'
  await network.close()
  if (before === undefined) delete process.env[KEEP]
}

async function runIn(network: Network, options: ChaosOptions, say: (text: string) => void, signal?: AbortSignal): Promise<ChaosResult> {
  const availability = new Availability()
  const fleet: Fleet = new Fleet(network, options, say, () => availability.note(fleet.hasQuorum))
  signal?.addEventListener('abort', () => void fleet.close(), { once: true })
  try {
    return await runWith(fleet, availability, options, say)
  } finally {
    await fleet.close()
  }
}

async function runWith(fleet: Fleet, availability: Availability, options: ChaosOptions, say: (text: string) => void): Promise<ChaosResult> {
  // Chance of its own for each, so that one that asks more does not change the others.
  const chance = new Chance(options.seed).fork()
  const history = new History()
  const registers = { history: new RegisterHistory(), expiring: new RegisterHistory() }
  await fleet.begin()
  say(`${fleet.members.length} peers vote`)
  availability.note(true)
  const workload = new Workload(fleet, history, options, chance.fork())
  const faults = new Faults(fleet, options, chance.fork(), say)
  const changing = new RegisterWorkload(fleet, registers.history, registers.expiring, options, chance.fork())
  const logs = await LogPart.begin(fleet, options, chance.fork(), say)
  const progress = setInterval(
    () =>
      say(
        `${history.size} operations, ${registers.history.size} on registers, ${logs.history.size} on logs, ${workload.successesMs.length} puts stored`,
      ),
    PROGRESS_MS,
  )
  const violations: string[] = []
  let gaps: Gaps | undefined
  try {
    const faulting = faults.run()
    await Promise.race([delay(options.seconds * 1_000), faulting])
    gaps = availability.gaps(workload.successesMs)
    faults.stop()
    await Promise.all([faulting, logs.faults.stop()])
    await mend(fleet)
    say('all is mended')
  } catch (error) {
    violations.push(`the peers could not be mended: ${error instanceof Error ? error.message : String(error)}`)
    faults.stop()
  }
  await Promise.all([workload.stop(), changing.stop(), logs.faults.stop(), logs.stop()])
  const healed = violations.length === 0 ? await heal(fleet, history) : undefined
  if (healed?.violations.length === 0)
    violations.push(
      ...(await healRegisters(fleet, registers.history)),
      ...(await healExpired(fleet, registers.expiring)),
      ...(await logs.heal()),
    )
  clearInterval(progress)
  fleet.end()
  const verdict = judge(history)
  const ofRegisters = judgeRegisters(registers.history, registers.expiring)
  const ofLogs = logs.judge()
  violations.push(
    ...fleet.violations,
    ...(healed?.violations ?? []),
    ...verdict.violations,
    ...ofRegisters.violations,
    ...ofLogs.violations,
  )
  return {
    operations: history.size + registers.history.size + registers.expiring.size + logs.history.size,
    counts: new Map([...history.counts, ...registers.history.counts, ...logs.history.counts]),
    faults: new Map([...faults.counts, ...logs.faults.counts]),
    gaps: gaps ?? availability.gaps(workload.successesMs),
    healed,
    verdict,
    registers: ofRegisters,
    logs: ofLogs,
    violations,
    directory: undefined,
  }
}
