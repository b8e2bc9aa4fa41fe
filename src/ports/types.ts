/**
 * What a peer offers of its further types of data. Each type says what its requests and answers
 * are, and has a port of its own over this one.
 */

export interface TypePort {
  /**
   * Asks something that is answered once.
   *
   * @param type the name of a type that this peer has
   * @param signal the client hung up
   * @returns the answer, as the type says; undefined when the client hung up first
   */
  ask(type: string, request: unknown, timeoutMs: number, signal?: AbortSignal): Promise<unknown>
  /**
   * Asks something that goes on.
   *
   * @param told every answer, in order; never before this returns, and never after its end. Nothing
   * is kept for whoever is slow: one that falls behind is ended by its own side
   */
  watch(type: string, request: unknown, told: (answer: unknown, isLast: boolean) => void): Subscription
}

/** Something that goes on. */
export interface Subscription {
  /** Asks something more of it. What has ended takes nothing. */
  readonly say: (request: unknown) => void
  /** Ends it: nothing more is told. */
  readonly end: () => void
}
