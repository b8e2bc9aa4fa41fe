/** Whether other users of this machine may pass through to a folder, as programs need that run as one. */
import { statSync } from 'node:fs'
import { dirname } from 'node:path'

const IS_SEARCHED_BY_OTHERS = 0o001

export function isEnteredByOthers(folder: string): boolean {
  if ((statSync(folder).mode & IS_SEARCHED_BY_OTHERS) === 0) return false
  const above = dirname(folder)
  return above === folder || isEnteredByOthers(above)
}
