/**
 * The file of the audit: appended to, readable by its owner alone, opened anew on SIGHUP so that
 * others can move it away.
 */
import { closeSync, constants, fchmodSync, fstatSync, openSync } from 'node:fs'
import { destination } from 'pino'

const FILE_MODE = 0o600

export interface AuditFile {
  /** Appends one JSON line, with the time in front. */
  write(line: object): void
  /** Opens the path anew. @throws Error of one line; the file that was open stays in use then */
  reopen(): void
  close(): void
}

/**
 * @param wallMs milliseconds since 1970
 * @param failed told when lines are lost
 * @throws Error of one line when it cannot be written
 */
export function openAuditFile(path: string, wallMs: () => number, failed: (error: Error) => void): AuditFile {
  claim(path)
  // Written at once: what was done is told also when the process ends the moment after.
  const stream = destination({ dest: path, append: true, sync: true, mode: FILE_MODE })
  stream.on('error', failed)
  return {
    write: (line) => void stream.write(`${JSON.stringify({ time: new Date(wallMs()).toISOString(), ...line })}\n`),
    reopen: () => {
      claim(path)
      stream.reopen()
    },
    close: () => stream.end(),
  }
}

/**
 * Sees that it is a file which can be written, and closes it to others. A pipe without a reader
 * would hold the peer up.
 */
function claim(path: string): void {
  const file = openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK, FILE_MODE)
  try {
    if (!fstatSync(file).isFile()) throw new Error(`${path} is no plain file`)
    fchmodSync(file, FILE_MODE)
  } finally {
    closeSync(file)
  }
}
