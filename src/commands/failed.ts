/** Why a command did not do what it was for: one line. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
}
