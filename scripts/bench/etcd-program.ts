/**
 * Which etcd is measured: a current one, built here from its Go module where there is Go; else the
 * one that is installed, which on Debian is years older.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const MODULE = 'go.etcd.io/etcd/server/v3'
const VERSION = 'v3.7.3'
const MAIN = new URL('etcd/main.go', import.meta.url)
/** The first time all of it is fetched and compiled; afterwards Go has it in its own caches. */
const BUILD_MAX_MS = 540_000

export interface EtcdProgram {
  readonly path: string
  /** As it tells it itself: 3.7.3. */
  readonly version: string
}

/** Some etcd can be had here. */
export function canHaveEtcd(): boolean {
  return isThere('go', 'version') || isThere('etcd', '--version')
}

/**
 * @param directory where it may be built
 * @throws Error when there is neither Go that can build it, nor an etcd installed
 */
export function etcdProgram(directory: string, say: (text: string) => void): EtcdProgram {
  const built = isThere('go', 'version') ? build(directory, say) : undefined
  const path = built ?? 'etcd'
  const told = execFileSync(path, ['--version'], { encoding: 'utf8' })
  return { path, version: /^etcd Version: (.*)$/m.exec(told)?.[1] ?? 'of an unknown version' }
}

/** @returns its path; undefined when Go cannot build it */
function build(directory: string, say: (text: string) => void): string | undefined {
  const source = join(directory, 'etcd-source')
  const program = join(directory, 'etcd')
  mkdirSync(source, { recursive: true })
  writeFileSync(join(source, 'go.mod'), `module bench\n\ngo 1.24\n\nrequire ${MODULE} ${VERSION}\n`)
  copyFileSync(MAIN, join(source, 'main.go'))
  say(`building etcd ${VERSION}: minutes the first time`)
  const built = spawnSync('go', ['build', '-o', program, '.'], {
    cwd: source,
    encoding: 'utf8',
    timeout: BUILD_MAX_MS,
    // Whatever it needs is found by the module itself.
    env: { ...process.env, GOFLAGS: '-mod=mod -buildvcs=false' },
  })
  if (built.status === 0) return program
  say(`etcd ${VERSION} cannot be built, the one that is installed is measured: ${built.stderr.trim().split('\n').at(-1)}`)
  return undefined
}

function isThere(program: string, parameter: string): boolean {
  return spawnSync(program, [parameter]).error === undefined
}
