/** Row 15: programs that are fetched beside the lock file, and so never checked. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Attack } from './attack.ts'
import { finding } from './attack.ts'

/**
 * The packages that hold Node itself, one a platform: with "bin" in their names for the newer ones.
 */
const BINARY = /^node_modules\/node-(bin-)?(linux|darwin|win)-/
const EXACT = /^\d+\.\d+\.\d+$/

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly integrity?: string; readonly link?: boolean }>>
}

export const lockFile: Attack = {
  row: 15,
  name: 'lock-file',
  against: ['alone'],
  async run({ root }) {
    const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as LockFile
    const { optionalDependencies = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      readonly optionalDependencies?: Readonly<Record<string, string>>
    }
    const binaries = Object.keys(packages).filter((path) => BINARY.test(path))
    const loose = binaries.filter((path) => !EXACT.test(optionalDependencies[path.slice('node_modules/'.length)] ?? ''))
    const unchecked = Object.entries(packages).filter(
      ([path, { integrity, link }]) => path !== '' && link !== true && integrity === undefined,
    )
    return [
      finding(binaries.length > 0, `${binaries.length} packages of Node's program in the lock file`),
      finding(loose.length === 0, `${loose.length} of them not exact`),
      finding(unchecked.length === 0, `${unchecked.length} packages without an integrity`),
    ]
  },
}
