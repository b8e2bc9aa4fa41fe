/** One change of a table; all of it is encoded by now, and carrying it out does not wait. */
export type RowChange = () => Promise<boolean>

/**
 * Makes the changes in one transaction; resolves when it is on disk. @throws the reason that the
 * disk or lmdb gives
 */
export async function commit(changes: readonly RowChange[]): Promise<void> {
  // All is encoded by now: from the first change to the last nothing may throw or wait, for lmdb
  // ends the transaction with the turn.
  const promises = new Set<Promise<boolean>>()
  for (const change of changes) promises.add(change())
  let done: boolean[]
  try {
    done = await Promise.all(promises)
  } catch (error) {
    // lmdb rejects with a promise of the reason.
    const reason: unknown = await (error as { commitError?: Promise<never> }).commitError?.catch((why: unknown) => why)
    throw reason ?? error
  }
  if (done.includes(false)) throw new Error('a row is not the last of its table')
}
