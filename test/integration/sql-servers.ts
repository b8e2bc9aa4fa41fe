/** A real MariaDB or PostgreSQL on a free port, where one is installed. */
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '../../scripts/run.ts'
import { freePort, until } from '../process/network.ts'
import { isEnteredByOthers } from './entered.ts'

const START_MS = 60_000
/** What waits for a table that is in use is told so, in seconds. */
const BOUNDED = 'set lock_wait_timeout = 20; '
const ASK_MS = 40_000

interface Kind {
  readonly script: string
  readonly scheme: string
  readonly user: string
  readonly package: string
  /** Root starts it as a user of its own. */
  readonly isAnotherUser: boolean
  /** Whether it is installed. */
  readonly isThere: () => boolean
  /** Asks as people do. */
  readonly client: (port: number, database: string, sql: string) => readonly [string, ...string[]]
}

const MARIADB: Kind = {
  script: 'mariadb.sh',
  scheme: 'mysql',
  user: 'root',
  package: 'mariadb-server',
  isAnotherUser: false,
  isThere: () => ['mariadbd', 'mariadb-install-db', 'mariadb'].every((each) => spawnSync(each, ['--version']).error === undefined),
  client: (port, database, sql) => [
    'mariadb',
    '-h',
    '127.0.0.1',
    '-P',
    String(port),
    '-u',
    'root',
    '-N',
    '-B',
    '-D',
    database,
    '-e',
    `${BOUNDED}${sql}`,
  ],
}
const POSTGRES: Kind = {
  script: 'postgres.sh',
  scheme: 'postgres',
  user: 'postgres',
  package: 'postgresql',
  isAnotherUser: process.geteuid?.() === 0,
  isThere: () => globSync('/usr/lib/postgresql/*/bin/postgres').length > 0 && spawnSync('psql', ['--version']).error === undefined,
  client: (port, database, sql) => ['psql', '-h', '127.0.0.1', '-p', String(port), '-U', 'postgres', '-At', '-d', database, '-c', sql],
}
export type SqlServerKind = 'mysql' | 'postgres'
const KINDS: Readonly<Record<SqlServerKind, Kind>> = { mysql: MARIADB, postgres: POSTGRES }

/** Why there is none; false when there is one. */
export function whyNo(kind: SqlServerKind): string | false {
  const { isThere, package: name, isAnotherUser } = KINDS[kind]
  if (!isThere()) return `${name} is not installed: apt-get install --no-install-recommends ${name}`
  return isAnotherUser && !isEnteredByOthers(tmpdir()) && `${name} runs as another user, who may not enter ${tmpdir()}`
}

export class DatabaseServer {
  readonly port: number
  readonly #kind: Kind
  readonly #directory: string
  #process: ChildProcess | undefined

  private constructor(kind: Kind, port: number, directory: string) {
    this.#kind = kind
    this.port = port
    this.#directory = directory
  }

  static async start(kind: SqlServerKind): Promise<DatabaseServer> {
    const server = new DatabaseServer(KINDS[kind], await freePort(), await mkdtemp(join(tmpdir(), `replicator-${kind}-`)))
    await server.start()
    return server
  }

  url(database: string): string {
    return `${this.#kind.scheme}://${this.#kind.user}@127.0.0.1:${this.port}/${database}`
  }

  async start(): Promise<void> {
    await until(
      `${this.#kind.script} answers`,
      () => {
        // What an earlier one left running may keep it from starting at once.
        if (this.#process === undefined || this.#process.exitCode !== null) this.#spawn()
        return this.#answer(this.#kind === MARIADB ? 'mysql' : 'postgres', 'select 1').status === 0
      },
      START_MS,
    )
  }

  /** Stands still, with all that it runs, and says nothing to anybody. */
  pause(): void {
    this.#signal('SIGSTOP')
  }

  resume(): void {
    this.#signal('SIGCONT')
  }

  async kill(): Promise<void> {
    const ended = this.#process
    this.#process = undefined
    if (ended === undefined || ended.exitCode !== null) return
    const end = once(ended, 'exit')
    ended.kill('SIGKILL')
    await end
  }

  /** @returns what it prints. @throws Error with what it says */
  ask(sql: string, database: string = this.#kind === MARIADB ? 'mysql' : 'postgres'): string {
    const { status, stdout, stderr } = this.#answer(database, sql)
    if (status !== 0) throw new Error(`${sql}: ${stderr}`)
    return stdout.trimEnd()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 10 })
  }

  #signal(signal: NodeJS.Signals): void {
    const pid = this.#process?.pid
    if (pid === undefined) throw new Error('it does not run')
    const { stdout } = spawnSync('ps', ['--ppid', String(pid), '-o', 'pid='], { encoding: 'utf8' })
    for (const each of [
      pid,
      ...stdout
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map(Number),
    ])
      process.kill(each, signal)
  }

  #spawn(): void {
    const script = join(ROOT, 'scripts', 'servers', this.#kind.script)
    this.#process = spawn(script, [this.#directory, String(this.port)], { stdio: 'ignore' })
  }

  #answer(database: string, sql: string): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
    const [program, ...words] = this.#kind.client(this.port, database, sql)
    return spawnSync(program, words, { encoding: 'utf8', timeout: ASK_MS })
  }
}
