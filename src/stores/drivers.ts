/** What stores in servers have in common: their drivers, which are packages of whoever wants them. */

export interface ServerStoreInit {
  readonly url: string
  /** In place of one in the URL. */
  readonly password: string | undefined
  /** Where a backup is written before it is read; it does not stay there. */
  readonly scratchPath: string
}

/** @throws Error of one line when it is not installed */
export async function loadDriver<Driver>(name: string, server: string, load: () => Promise<Driver>): Promise<Driver> {
  try {
    return await load()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new Error(`a store in ${server} needs the package ${name}, which is not installed: npm install ${name}`, { cause: error })
  }
}

/** @param password in place of the one in the URL */
export function withPassword(url: string, password: string | undefined): string {
  const whole = new URL(url)
  if (password !== undefined) whole.password = encodeURIComponent(password)
  return whole.href
}
