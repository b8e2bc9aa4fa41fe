/**
 * The folder that an archive holds: the package as npm packs it, the packages that it runs on as
 * npm chooses them for a platform, Node among them, and `bin/` with its programs.
 *
 * The drivers of stores are in it too. Elsewhere whoever wants one installs it; here there is no
 * npm to do so.
 */
import { existsSync } from 'node:fs'
import { copyFile, glob, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Platform } from '../build/shell-lines.ts'
import { ROOT } from '../run.ts'
import { done } from './done.ts'

type Versions = Readonly<Record<string, string>>

/** Of package.json, what decides what is installed. */
interface Manifest {
  readonly version: string
  readonly dependencies: Versions
  readonly optionalDependencies: Versions
  readonly peerDependencies: Versions
  readonly devDependencies: Versions
}

/** What npm needs to install the very same. */
const PINS = ['package-lock.json', '.npmrc']
/** Of the package with Node: what programs in C are built with, and pages. */
const PARTS_NOT_RUN = ['include', 'share']

/**
 * @param directory an empty one
 * @returns the folder in it
 * @throws Error when a step fails, or what must be there is not
 */
export async function layOut(directory: string, platform: Platform): Promise<string> {
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as Manifest
  const folder = join(directory, `replicator-${manifest.version}-${platform.os}-${platform.cpu}`)
  await unpackPackage(directory, folder)
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(shipped(manifest, platform), undefined, 2)}\n`)
  await install(folder, platform)
  await linkPrograms(folder)
  const missing = [`${platform.node}/bin/node`, `@lmdb/lmdb-${platform.os}-${platform.cpu}`].filter(
    (path) => !existsSync(join(folder, 'node_modules', path)),
  )
  if (missing.length > 0) throw new Error(`npm did not install ${missing.join(', ')}`)
  return folder
}

async function unpackPackage(directory: string, folder: string): Promise<void> {
  const packed = join(directory, 'packed')
  await mkdir(packed)
  await mkdir(folder)
  await done(['npm', 'pack', '--ignore-scripts', '--pack-destination', packed])
  const [name = ''] = await readdir(packed)
  await done(['tar', '-xzf', join(packed, name), '--strip-components=1', '-C', folder])
  await rm(packed, { recursive: true })
}

/** The same package with what it runs on there, and nothing that it is developed with. */
function shipped(manifest: Manifest, { node }: Platform): object {
  const { dependencies, optionalDependencies, peerDependencies, devDependencies, ...rest } = manifest
  const drivers = Object.keys(peerDependencies).map((name) => [name, devDependencies[name]])
  return {
    ...rest,
    scripts: undefined,
    peerDependenciesMeta: undefined,
    dependencies: { ...dependencies, ...Object.fromEntries(drivers) },
    // Of what is not optional, npm takes only what runs where npm runs.
    optionalDependencies: { [node]: optionalDependencies[node] },
  }
}

async function install(folder: string, { os, cpu, node }: Platform): Promise<void> {
  for (const file of PINS) await copyFile(join(ROOT, file), join(folder, file))
  const libc = os === 'linux' ? ['--libc=glibc'] : []
  const flags = ['--ignore-scripts', '--prefer-offline', `--os=${os}`, `--cpu=${cpu}`, ...libc]
  await done(['npm', 'install', '--prefix', folder, ...flags])
  for (const file of PINS) await rm(join(folder, file))
  for (const part of PARTS_NOT_RUN) await rm(join(folder, 'node_modules', node, part), { recursive: true, force: true })
}

/** Each finds its Node by itself, wherever the folder lies. */
async function linkPrograms(folder: string): Promise<void> {
  const bin = join(folder, 'bin')
  await mkdir(bin)
  await symlink(join('..', 'dist', 'src', 'main.js'), join(bin, 'replicator'))
  for await (const program of glob('dist/bin/*', { cwd: folder })) await symlink(join('..', program), join(bin, basename(program)))
}
