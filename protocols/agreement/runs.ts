/** The runs under way at this peer, one a register however many ask. */
import type { RegisterKey } from '../base/register.ts'

/** Work on one register. */
export interface RunOfRegister {
  readonly key: RegisterKey
  readonly isOver: boolean
  tick(): void
  configInstalled(): void
}

export class Runs<Run extends RunOfRegister> {
  private readonly byKey = new Map<RegisterKey, Run>()

  /** How many registers are being worked on. */
  get size(): number {
    return this.byKey.size
  }

  /**
   * The run of a register. One that found nothing to do is over before it is swept away at the next
   * tick, and takes no claim any more: it would keep it for ever.
   */
  underWay(key: RegisterKey): Run | undefined {
    const run = this.byKey.get(key)
    return run?.isOver === false ? run : undefined
  }

  begin(run: Run, begun: (run: Run) => void): void {
    this.byKey.set(run.key, run)
    begun(run)
    this.dropIfOver(run)
  }

  /** Tells the run of a register something, if there is one. */
  tell(key: RegisterKey, told: (run: Run) => void): void {
    const run = this.byKey.get(key)
    if (run === undefined) return
    told(run)
    this.dropIfOver(run)
  }

  configInstalled(): void {
    for (const run of this.byKey.values()) run.configInstalled()
  }

  tick(): void {
    for (const run of this.byKey.values()) {
      run.tick()
      this.dropIfOver(run)
    }
  }

  private dropIfOver(run: Run): void {
    if (run.isOver && this.byKey.get(run.key) === run) this.byKey.delete(run.key)
  }
}
