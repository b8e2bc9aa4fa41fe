/**
 * The runs under way at this peer, one a register however many ask. See `run.ts` for what a run
 * does.
 */
import { Runs } from '../agreement/runs.ts'
import type { Ballot } from '../base/ballot.ts'
import type { RegisterKey } from '../base/register.ts'
import type { Claim } from './claims.ts'
import { Run } from './run.ts'
import type { RunContext } from './run.ts'

export class Coordinator {
  private readonly context: RunContext
  private readonly runs = new Runs<Run>()

  constructor(context: RunContext) {
    this.context = context
  }

  get size(): number {
    return this.runs.size
  }

  /** Works on a register until the claim's `settle` is called, once. */
  claim(key: RegisterKey, claim: Claim): void {
    const running = this.runs.underWay(key)
    if (running !== undefined) return running.join(claim)
    this.runs.begin(new Run(key, this.context), (run) => run.join(claim))
  }

  /**
   * Works on it at one ballot of this peer alone.
   *
   * @returns false where nothing more is committed at that ballot from here
   */
  claimAt(key: RegisterKey, claim: Claim, ballot: Ballot): boolean {
    const running = this.runs.underWay(key)
    const isAt = running === undefined ? this.context.remembered.isAt(key, ballot) : running.isAt(ballot)
    if (isAt) this.claim(key, claim)
    return isAt
  }

  /** Nobody waits for the claim any more; one that was committed is carried on. */
  abandon(key: RegisterKey, claim: Claim): void {
    this.runs.tell(key, (run) => run.abandon(claim))
  }

  configInstalled(): void {
    this.context.remembered.clear()
    this.context.forwards.forgetAll()
    this.runs.configInstalled()
  }

  tick(): void {
    this.runs.tick()
  }
}
