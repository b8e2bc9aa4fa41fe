/** All of a chaos run that is about logs. */
import type { Chance } from '../../simulation/chance.ts'
import type { Fleet } from '../fleet.ts'
import type { ChaosOptions } from '../options.ts'
import { LogFaults } from './faults.ts'
import { bearLog, healLog } from './healing.ts'
import { LogHistory } from './history.ts'
import { judgeLogs } from './verdict.ts'
import type { LogVerdict } from './verdict.ts'
import { LogWorkload } from './workload.ts'

export class LogPart {
  readonly history: LogHistory = new LogHistory()
  readonly faults: LogFaults
  readonly #fleet: Fleet
  readonly #options: ChaosOptions
  readonly #workload: LogWorkload

  private constructor(fleet: Fleet, options: ChaosOptions, chance: Chance, say: (text: string) => void) {
    this.#fleet = fleet
    this.#options = options
    this.#workload = new LogWorkload(fleet, this.history, options, chance.fork())
    this.faults = new LogFaults(fleet, options, chance.fork(), say)
  }

  /** Clients and faults begin once all logs are born. */
  static async begin(fleet: Fleet, options: ChaosOptions, chance: Chance, say: (text: string) => void): Promise<LogPart> {
    await Promise.all(options.logs.map((kind) => bearLog(fleet, kind)))
    if (options.logs.length > 0) say(`logs over ${options.logs.join(', ')} are born`)
    return new LogPart(fleet, options, chance, say)
  }

  /** Nothing is begun any more; resolves when all is answered. */
  stop(): Promise<void> {
    return this.#workload.stop()
  }

  /** @returns what went wrong */
  async heal(): Promise<string[]> {
    const wrong = await Promise.all(this.#options.logs.map((kind) => healLog(this.#fleet, kind, this.history)))
    return wrong.flat()
  }

  judge(): LogVerdict {
    return judgeLogs(this.history)
  }
}
