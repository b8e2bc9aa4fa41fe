/** What became of a command or a query that has no result, in the words of HTTP's problems. */
import type { CallRefused } from '../facades/nexus/refusals.ts'

const PREFIX = 'replicator-'

export class LogRefused extends Error {
  static override readonly name = 'LogRefused'
  override readonly name = 'LogRefused'
  /**
   * The name of a problem of HTTP. `rejected`: the store refuses the command, at every replica.
   * `in-doubt`: it may take effect, now or later; send it again with `submitId` as its id and with
   * `since`. `not-ordered`, `stalled`, `overloaded`, `unknown-log` and `too-large`: it never does.
   */
  readonly problem: string
  /** Of a command that is in doubt: the id to send it again with. */
  readonly submitId: string | undefined
  /** Where a retry begins; 0 where it is not known. */
  readonly since: number
  /** Of a rejected command, as the store names its fault. */
  readonly class: string | undefined
  readonly code: string | undefined

  constructor(cause: CallRefused) {
    super(cause.message, { cause })
    const fact = (name: string): string | undefined => cause.refusal.metadata[PREFIX + name]
    this.problem = fact('problem') ?? 'internal'
    this.submitId = fact('submitid')
    this.since = Number(fact('since') ?? 0)
    this.class = fact('class')
    this.code = fact('code')
  }
}
