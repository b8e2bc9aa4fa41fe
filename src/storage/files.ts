/** Files that are there after a loss of power, whole. */
import { open, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { randomBytes } from 'node:crypto'

/** Waits until the names in a directory are on disk. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Replaces a file with these bytes: at each instant, and after a loss of power, it is either the
 * old one or the new one.
 *
 * @param mode permissions, such as 0o600
 */
export async function replaceFile(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const draft = join(dirname(path), `.${randomBytes(8).toString('hex')}.draft`)
  const handle = await open(draft, 'wx', mode)
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(draft, path)
  await syncDirectory(dirname(path))
}
