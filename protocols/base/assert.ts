/**
 * Thrown when a rule of the protocol is broken by our own code. The peer that throws it must stop:
 * going on would be a guess.
 */
export class ProtocolViolation extends Error {
  static override readonly name = 'ProtocolViolation'
  override readonly name = 'ProtocolViolation'
}

/**
 * Stops the peer when something that must hold does not.
 *
 * @param condition what must hold
 * @param detail what was found instead, with the ids and ballots concerned
 * @throws ProtocolViolation when the condition is false
 */
export function assert(condition: boolean, detail: string): asserts condition {
  if (!condition) throw new ProtocolViolation(detail)
}

/** Makes a switch over a union exhaustive: a new member without a case does not compile. */
export function unreachable(value: never): never {
  throw new ProtocolViolation(`not a known case: ${JSON.stringify(value)}`)
}
