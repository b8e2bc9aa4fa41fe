/**
 * `npm run dist -- linux|darwin x64|arm64`: one archive of the program with its own Node, for a
 * machine that has neither Node nor npm. `--out DIR` says where it goes (`archives/`), `--built`
 * takes `dist/` as it is, and `--keep` leaves beside it what was unpacked to be started.
 *
 * All that is in it comes from npm, at the versions and hashes of the lock file, which npm chooses
 * for that platform. An archive for the platform that it is made on is unpacked and started before
 * it counts as made; of another it is said that nobody has run it.
 */
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { PLATFORMS } from './build/shell-lines.ts'
import type { Platform } from './build/shell-lines.ts'
import { layOut } from './dist/lay-out.ts'
import { done } from './dist/done.ts'
import { ROOT } from './run.ts'

const USAGE = 'npm run dist -- linux|darwin x64|arm64 [--out DIR] [--built] [--keep]'
const EXIT_USAGE = 2
const BYTES_A_MEGABYTE = 1e6
/** Half of all files, which no program reads: types, and where they were made from. */
const NOT_RUN = ['--exclude=*.d.ts', '--exclude=*.map']

interface Asked {
  readonly platform: Platform
  /** The folder that it goes to. */
  readonly out: string
  readonly isBuilt: boolean
  readonly isKept: boolean
}

/** @returns undefined for what is not known */
function askedBy(argv: string[]): Asked | undefined {
  try {
    const flag = { type: 'boolean', default: false } as const
    const options = { out: { type: 'string', default: join(ROOT, 'archives') }, built: flag, keep: flag } as const
    const { values, positionals } = parseArgs({ args: argv, options, allowPositionals: true })
    const platform = PLATFORMS.find(({ os, cpu }) => positionals.join(' ') === `${os} ${cpu}`)
    return platform && { platform, out: resolve(values.out), isBuilt: values.built, isKept: values.keep }
  } catch {
    return undefined
  }
}

/** Throws what failed. */
async function make({ platform, out, isBuilt, isKept }: Asked): Promise<void> {
  const temporary = await mkdtemp(join(tmpdir(), 'replicator-dist-'))
  try {
    if (!isBuilt) await done(['node', join('scripts', 'build.ts')])
    const folder = await layOut(temporary, platform)
    await mkdir(out, { recursive: true })
    const archive = join(out, `${basename(folder)}.tar.gz`)
    await done(['tar', '-czf', archive, ...NOT_RUN, '-C', temporary, basename(folder)])
    const { size } = await stat(archive)
    console.log(`${relative(process.cwd(), archive)}: ${(size / BYTES_A_MEGABYTE).toFixed(1)} MB`)
    console.log(await tried(platform, archive, isKept ? out : temporary))
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

/** @param place the folder that it is unpacked into @returns what is known of it */
async function tried({ os, cpu }: Platform, archive: string, place: string): Promise<string> {
  if (os !== process.platform || cpu !== process.arch)
    return `this machine is ${process.platform} ${process.arch}: nobody has started it on ${os} ${cpu} yet`
  const folder = join(place, basename(archive, '.tar.gz'))
  await rm(folder, { recursive: true, force: true })
  await done(['tar', '-xzf', archive, '-C', place])
  return `unpacked and started here: version ${(await done([join(folder, 'bin', 'replicator'), '--version'])).trim()}`
}

const asked = askedBy(process.argv.slice(2))
if (asked === undefined) {
  console.error(`usage: ${USAGE}`)
  process.exitCode = EXIT_USAGE
} else {
  await make(asked)
}
