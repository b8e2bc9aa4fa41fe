/** How a command for clients ends, for scripts. The help says the same. */

export const EXITS = {
  done: 0,
  /** Nobody could do it, or it was refused. */
  failed: 1,
  // 2 is for command lines that are wrong.
  absent: 3,
  conflict: 4,
  inDoubt: 5,
} as const
