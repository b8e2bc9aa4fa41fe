/** Time and chance, as arguments. */

export interface Clock {
  /**
   * Milliseconds from a fixed point in the past; never goes back. Deadlines and waiting are told by
   * it.
   */
  nowMs(): number
  /** Milliseconds since 1970, UTC. For people to read; decides nothing. */
  wallMs(): number
}

export interface Random {
  /** From 0 up to, not including, 1. */
  number(): number
  /** 32 hexadecimal digits that nobody else has drawn. */
  id(): string
}
