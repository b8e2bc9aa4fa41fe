/**
 * A coordinator: the runs under way at this peer, one a register however many ask. See `run.ts` for
 * what a run does.
 */
import type { ValueRecord } from '../base/record.ts'
import type { RegisterKey, Registers } from '../base/register.ts'
import { Run } from './run.ts'
import type { Claim, ClaimResult, RunContext } from './run.ts'
import { Runs } from './runs.ts'

export class Coordinator {
  private readonly registers: Registers
  private readonly context: RunContext
  private readonly runs = new Runs<Run>()

  constructor(registers: Registers, context: RunContext) {
    this.registers = registers
    this.context = context
  }

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
    const running = this.runs.underWay(key)
    if (running !== undefined) return running.join(claim)
    this.runs.begin(new Run(key, this.context), (run) => {
      run.join(claim)
      run.begin(readFirst)
    })
  }

  /** Nobody waits for the claim any more; one that was committed is carried on. */
  abandon(key: RegisterKey, claim: Claim): void {
    this.runs.tell(key, (run) => run.abandon(claim))
  }

  learned(key: RegisterKey, record: ValueRecord): void {
    this.runs.tell(key, (run) => run.chosen(record))
  }

  configInstalled(): void {
    this.runs.configInstalled()
  }

  tick(): void {
    this.runs.tick()
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
