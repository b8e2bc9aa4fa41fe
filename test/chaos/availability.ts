/**
 * How long clients had to wait for a put to succeed, while nothing that a quorum needs was missing.
 */

interface Span {
  readonly fromMs: number
  toMs: number
}

export interface Gaps {
  /** Between two puts that succeeded, with a quorum there all the time between. */
  readonly longestMs: number
  /** From a quorum being there again to the next put that succeeded. */
  readonly longestReturnMs: number
  /** How long a quorum was there, of all the time. */
  readonly quorumShare: number
}

export class Availability {
  readonly #beganMs: number = performance.now()
  readonly #spans: Span[] = []
  #isThere = false

  /** The peers, or what is between them, have changed. */
  note(isQuorumThere: boolean): void {
    const nowMs = performance.now()
    if (isQuorumThere === this.#isThere) return
    this.#isThere = isQuorumThere
    if (isQuorumThere) this.#spans.push({ fromMs: nowMs, toMs: Number.POSITIVE_INFINITY })
    else this.#close(nowMs)
  }

  /** @param successesMs when puts succeeded */
  gaps(successesMs: readonly number[]): Gaps {
    const endedMs = performance.now()
    const times = successesMs.toSorted((a, b) => a - b)
    let longestMs = 0
    let longestReturnMs = 0
    let thereMs = 0
    for (const { fromMs, toMs } of this.#spans) {
      const untilMs = Math.min(toMs, endedMs)
      thereMs += untilMs - fromMs
      const within = times.filter((time) => time >= fromMs && time <= untilMs)
      longestReturnMs = Math.max(longestReturnMs, (within[0] ?? untilMs) - fromMs)
      const marks = within.length === 0 ? [] : [...within, untilMs]
      for (let index = 1; index < marks.length; index += 1) longestMs = Math.max(longestMs, (marks[index] ?? 0) - (marks[index - 1] ?? 0))
    }
    return { longestMs, longestReturnMs, quorumShare: thereMs / Math.max(1, endedMs - this.#beganMs) }
  }

  #close(nowMs: number): void {
    const last = this.#spans.at(-1)
    if (last !== undefined) last.toMs = nowMs
  }
}
