/**
 * The runs under way at this peer, one a register however many ask. See `run.ts` for what a run
 * does.
 */
import type { RegisterKey } from '../base/register.ts'
import type { Claim } from './claims.ts'
import { Run } from './run.ts'
import type { RunContext } from './run.ts'

export class Coordinator {
  private readonly context: RunContext
  private readonly runs = new Map<RegisterKey, Run>()

  constructor(context: RunContext) {
    this.context = context
  }

  /** How many registers are being worked on. */
  get size(): number {
    return this.runs.size
  }

  /** Works on a register until the claim's `settle` is called, once. */
  claim(key: RegisterKey, claim: Claim): void {
    const running = this.runs.get(key)
    if (running?.isOver === false) return running.join(claim)
    const run = new Run(key, this.context)
    this.runs.set(key, run)
    run.join(claim)
    this.dropIfOver(run)
  }

  /** Nobody waits for the claim any more; one that was committed is carried on. */
  abandon(key: RegisterKey, claim: Claim): void {
    const run = this.runs.get(key)
    if (run === undefined) return
    run.abandon(claim)
    this.dropIfOver(run)
  }

  configInstalled(): void {
    this.context.remembered.clear()
    for (const run of this.runs.values()) run.configInstalled()
  }

  tick(): void {
    for (const run of this.runs.values()) {
      run.tick()
      this.dropIfOver(run)
    }
  }

  private dropIfOver(run: Run): void {
    if (run.isOver && this.runs.get(run.key) === run) this.runs.delete(run.key)
  }
}
