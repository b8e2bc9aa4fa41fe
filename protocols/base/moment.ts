/** The time of the step under way, given from outside with each event. */
export interface Moment {
  /** Milliseconds of a clock that never goes back; its zero means nothing. */
  nowMs: number
}

/** Draws the next number of a question, unique within one run of the process. */
export type NextId = () => number
