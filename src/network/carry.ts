/**
 * Runs what others gave us. A throw there is a bug of ours, which must stop the process and not
 * vanish in libp2p.
 */
export function carry(call: () => void): void {
  try {
    call()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

/** One line for the log. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
