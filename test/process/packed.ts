/** The package as it is installed: packed by npm, and unpacked with the packages of this folder beside it. */
import { execFile } from 'node:child_process'
import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../../scripts/run.ts'

const run = promisify(execFile)
const PACK_MS = 60_000

/** @param place the folder that it is unpacked to, which is made; what is packed lies in `directory` */
export async function unpack(directory: string, place: string): Promise<void> {
  const packed = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', directory], {
    cwd: ROOT,
    timeout: PACK_MS,
    // npm keeps what it has compiled among the temporary files, for good.
    env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' },
  })
  const [{ filename }] = JSON.parse(packed.stdout) as [{ readonly filename: string }]
  await mkdir(place, { recursive: true })
  await run('tar', ['-xzf', join(directory, filename), '--strip-components=1', '-C', place])
  await symlink(join(ROOT, 'node_modules'), join(place, 'node_modules'))
}
