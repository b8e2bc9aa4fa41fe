/**
 * The command line is wrong. The message is one line that says what is wrong and how to mend it.
 */
export class UsageError extends Error {
  static override readonly name = 'UsageError'
  override readonly name = 'UsageError'
}
