/**
 * Row 9: a secret that everybody on the machine may read, and a data directory that everybody may
 * enter.
 */
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newSecret } from '../../src/settings/secret.ts'
import { cleanEnvironment } from '../../test/process/network.ts'
import type { Attack } from './attack.ts'
import { finding } from './attack.ts'

const RUN_MS = 30_000

/** Runs a peer until it ends, or serves HTTP and is ended. @returns all it said */
function run(root: string, directory: string, flags: readonly string[]): Promise<string> {
  const parameters = [join(root, 'src', 'main.ts'), '-cid', 'c', '-listen', '/ip4/127.0.0.1/tcp/0', ...flags]
  const child = spawn(process.execPath, parameters, { cwd: directory, env: cleanEnvironment(), timeout: RUN_MS, killSignal: 'SIGKILL' })
  let said = ''
  const take = (text: string): void => {
    said += text
    if (text.includes('HTTP listening on')) setTimeout(() => child.kill('SIGTERM'), 500)
  }
  child.stdout.setEncoding('utf8').on('data', take)
  child.stderr.setEncoding('utf8').on('data', take)
  return new Promise((resolve) => child.on('close', () => resolve(said)))
}

export const readableFiles: Attack = {
  row: 9,
  name: 'readable-files',
  against: ['alone'],
  async run({ root }) {
    const directory = await mkdtemp(join(tmpdir(), 'replicator-attack-'))
    try {
      const secret = join(directory, 'secret')
      writeFileSync(secret, `${newSecret()}\n`)
      chmodSync(secret, 0o644)
      const refusal = await run(root, directory, ['-secret', secret, '-data', join(directory, 'a')])
      const isRefused = !refusal.includes('HTTP listening on')
      const made = join(directory, 'b')
      await run(root, directory, ['-data', made])
      const mode = statSync(made).mode & 0o777
      const open = join(directory, 'c')
      mkdirSync(open)
      chmodSync(open, 0o755)
      const said = await run(root, directory, ['-data', open])
      const isWarned = /0?755|700/.test(said) && said.includes(open)
      return [
        finding(isRefused, `a secret of mode 0644 is ${isRefused ? 'refused' : 'taken'}`),
        finding(mode === 0o700, `a data directory is made with mode 0${mode.toString(8)}`),
        finding(isWarned, `a data directory of mode 0755 is ${isWarned ? 'warned of' : 'taken without a word'}`),
      ]
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  },
}
