/**
 * A coordinator: the runs under way at this peer, one a register however many ask. See `run.ts` for
 * what a run does.
 */
import type { ValueRecord } from '../base/record.ts'
import type { RegisterKey, Registers } from '../base/register.ts'
import { Run } from './run.ts'
import type { Claim, ClaimResult, RunContext } from './run.ts'

export class Coordinator {
  private readonly registers: Registers
  private readonly context: RunContext
  private readonly runs = new Map<RegisterKey, Run>()

  constructor(registers: Registers, context: RunContext) {
    this.registers = registers
    this.context = context
  }

  /** How many registers are being worked on. */
  get size(): number {
    return this.runs.size
  }

  /**
   * Has a register decided. The claim's `settle` is called once: with the chosen record, with
   * `empty`, or with `expired`.
   *
   * @param readFirst when somebody else has probably finished already
   */
  claim(key: RegisterKey, claim: Claim, readFirst: boolean): void {
    const chosen = this.registers.read(key)?.chosen
    if (chosen !== undefined && this.context.spaceOf(key).settlement.isFinal) return claim.settle({ kind: 'chosen', record: chosen })
    const running = this.runs.get(key)
    // A run that found nothing to do is over before it is swept away at the next tick; it would
    // keep the claim for ever.
    if (running?.isOver === false) return running.join(claim)
    const run = new Run(key, this.context)
    this.runs.set(key, run)
    run.join(claim)
    run.begin(readFirst)
    this.dropIfOver(run)
  }

  /** Nobody waits for the claim any more; one that was committed is carried on. */
  abandon(key: RegisterKey, claim: Claim): void {
    const run = this.runs.get(key)
    if (run === undefined) return
    run.abandon(claim)
    this.dropIfOver(run)
  }

  learned(key: RegisterKey, record: ValueRecord): void {
    const run = this.runs.get(key)
    if (run === undefined) return
    run.chosen(record)
    this.dropIfOver(run)
  }

  configInstalled(): void {
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

/** A claim that writes nothing of its own: it finishes what others began. */
export function finishingClaim(deadlineMs: number, settle: (result: ClaimResult) => void): Claim {
  return { record: undefined, deadlineMs, commitSent: false, asked: false, settle }
}

/** A claim that writes a record where nothing is chosen or accepted yet. */
export function writingClaim(record: ValueRecord, deadlineMs: number, settle: (result: ClaimResult) => void): Claim {
  return { record, deadlineMs, commitSent: false, asked: false, settle }
}
