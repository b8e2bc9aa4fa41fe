/** Thrown by a checker: a rule of the protocol does not hold. */
export class Violation extends Error {
  static override readonly name = 'Violation'
  override readonly name = 'Violation'
  /** As the protocol numbers it, `S1` to `S15` and `L1` to `L6`, or a word of its own. */
  readonly rule: string

  constructor(rule: string, detail: string) {
    super(`${rule}: ${detail}`)
    this.rule = rule
  }
}

/** @throws Violation when the condition is false; the detail is made only then */
export function check(condition: boolean, rule: string, detail: () => string): asserts condition {
  if (!condition) throw new Violation(rule, detail())
}
