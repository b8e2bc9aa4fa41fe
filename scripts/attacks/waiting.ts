/** Waiting, for a while and for something. */

const LOOK_MS = 20

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

/** @throws when it does not hold in time */
export async function until(what: string, holds: () => boolean | Promise<boolean>, timeoutMs: number): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error(`not in ${timeoutMs} ms: ${what}`)
    await pause(LOOK_MS)
  }
}
