/** What clients asked, when, and what they were told: the shape that histories of every type share. */

/** One try of something. */
export interface Asked<Call extends { readonly kind: string }, Answer extends { readonly kind: string }> {
  /** What it is about; rules hold for each by itself. */
  readonly key: string
  readonly peer: string
  readonly call: Call
  readonly beganMs: number
  readonly endedMs: number
  readonly answer: Answer
  /** How it was answered, for people. */
  readonly told: string
}

export class Operations<Operation extends Asked<{ readonly kind: string }, { readonly kind: string }>> {
  readonly byKey: Map<string, Operation[]> = new Map()
  readonly counts: Map<string, number> = new Map()
  /** Answers that no rule allows, whatever came before. */
  readonly oddities: string[] = []
  readonly #type: string
  #size = 0

  /** @param type what is counted, for people */
  constructor(type: string) {
    this.#type = type
  }

  get size(): number {
    return this.#size
  }

  add(operation: Operation): void {
    this.#size += 1
    const operations = this.byKey.get(operation.key)
    if (operations === undefined) this.byKey.set(operation.key, [operation])
    else operations.push(operation)
    const name = `${this.#type} ${operation.call.kind} ${operation.answer.kind}`
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
  }
}
