/** A machine on which a Node is installed that is none of ours, and little else. */
import { execFile } from 'node:child_process'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** What a shell and the lines before the program need. */
const SYSTEM_PROGRAMS = ['sh', 'uname', 'readlink']
const EXIT_OF_OLD_NODE = 99

/**
 * Makes two folders in a directory, `bare` with those programs, and `old` with a Node that does
 * nothing.
 *
 * @returns both, as PATH has them
 */
export async function bareMachine(directory: string): Promise<string> {
  const [bare, old] = [join(directory, 'bare'), join(directory, 'old')]
  for (const folder of [bare, old]) await mkdir(folder)
  for (const name of SYSTEM_PROGRAMS) {
    const { stdout } = await run('sh', ['-c', `command -v ${name}`])
    await symlink(stdout.trim(), join(bare, name))
  }
  await writeFile(join(old, 'node'), `#!/bin/sh\nexit ${EXIT_OF_OLD_NODE}\n`)
  await chmod(join(old, 'node'), 0o755)
  return `${old}:${bare}`
}
