/** Drivers of servers are packages of whoever wants them: they are loaded when one is asked for. */

/**
 * @param what needs it, as in "a store in Redis"
 * @throws Error of one line when it is not installed
 */
export async function loadDriver<Driver>(name: string, what: string, load: () => Promise<Driver>): Promise<Driver> {
  try {
    return await load()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new Error(`${what} needs the package ${name}, which is not installed: npm install ${name}`, { cause: error })
  }
}
