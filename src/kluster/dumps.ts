/**
 * Backups of one database of a log that Kafka orders, by the tools of its server. Any dump that is
 * consistent contains its own position, so a replica that is started upon it reads on from there.
 * Applying goes on meanwhile.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, rename, rm, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { text } from 'node:stream/consumers'
import type { LogOffer } from '../settings/settings.ts'

export interface DumpInit {
  readonly offer: LogOffer
  /** In place of the one in the URL. */
  readonly password: string | undefined
  /** Of the dump. */
  readonly file: string
}

interface Tool {
  /** The first that is installed. */
  readonly programs: readonly string[]
  readonly words: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** @throws Error of one line: nothing is at `file` then */
export async function backUp({ offer, password, file }: DumpInit): Promise<void> {
  if (await isThere(file)) throw new Error(`${file} is there already`)
  // Whole or not at all: a half dump is never taken for one.
  const part = `${file}.part`
  await rm(part, { force: true })
  try {
    if (offer.kind === 'sqlite') copyOut(pathOf(offer), part)
    else await run(offer.kind === 'mysql' ? dumpMysql(offer, password, part) : dumpPostgres(offer, password, part))
    await rename(part, file)
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
}

/** Into a database that holds nothing. @throws Error of one line */
export async function restore({ offer, password, file }: DumpInit): Promise<void> {
  if (!(await isThere(file))) throw new Error(`there is no file ${file}`)
  if (offer.kind === 'sqlite') {
    const path = pathOf(offer)
    if (await isThere(path)) throw new Error(`${path} is there already: a dump is loaded where nothing is`)
    await copyFile(file, `${path}.part`)
    return rename(`${path}.part`, path)
  }
  if (offer.kind === 'postgres') return void (await run(loadPostgres(offer, password, file)))
  const { words, ...client } = mysqlClient(offer, password)
  const count = 'select count(*) from information_schema.tables where table_schema = database()'
  const held = await run({ ...client, words: [...words, '-N', '-B', '-e', count] })
  if (held.trim() !== '0') throw new Error('the database is not empty: a dump is loaded where nothing is')
  await run({ ...client, words: [...words, '-e', `source ${resolve(file)}`] })
}

function pathOf({ at }: LogOffer): string {
  if (at === '') throw new Error('name the file of the database, as in -store sqlite:PATH')
  return resolve(at)
}

/** Of one moment, while the replica writes on. */
function copyOut(path: string, to: string): void {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    database.prepare('vacuum into ?').run(to)
  } finally {
    database.close()
  }
}

function dumpPostgres(offer: LogOffer, password: string | undefined, to: string): Tool {
  const { url, environment } = postgresAt(offer, password)
  return { programs: ['pg_dump'], words: ['--no-owner', '--no-privileges', '-f', to, '-d', url], environment }
}

/** All of it or nothing. */
function loadPostgres(offer: LogOffer, password: string | undefined, file: string): Tool {
  const { url, environment } = postgresAt(offer, password)
  const words = ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '--single-transaction', '-f', file, '-d', url]
  return { programs: ['psql'], words, environment }
}

/** A password stands in no list of processes. */
function postgresAt(
  { at }: LogOffer,
  password: string | undefined,
): { readonly url: string; readonly environment: Record<string, string> } {
  const url = new URL(at)
  const secret = password ?? decodeURIComponent(url.password)
  url.password = ''
  return { url: url.href, environment: secret === '' ? {} : { PGPASSWORD: secret } }
}

function dumpMysql(offer: LogOffer, password: string | undefined, to: string): Tool {
  const { words, environment } = mysqlClient(offer, password)
  const ways = ['--single-transaction', '--skip-lock-tables', '--skip-add-drop-table', '--hex-blob', `--result-file=${to}`]
  return { programs: ['mariadb-dump', 'mysqldump'], words: [...ways, ...words], environment }
}

function mysqlClient({ at }: LogOffer, password: string | undefined): Tool {
  const url = new URL(at)
  const secret = password ?? decodeURIComponent(url.password)
  const words = ['-h', url.hostname, '-P', url.port || '3306', '-u', decodeURIComponent(url.username), url.pathname.slice(1)]
  return { programs: ['mariadb', 'mysql'], words, environment: secret === '' ? {} : { MYSQL_PWD: secret } }
}

/** @returns what it prints. @throws Error with what it complains of */
async function run({ programs: [program, ...others], words, environment }: Tool): Promise<string> {
  if (program === undefined) throw new Error('the tools of the server are not installed here')
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } })
  try {
    const [[code], said, complained] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)])
    if (code === 0) return said
    throw new Error(complained.trim().split('\n').at(-1) ?? `${program} failed`)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return run({ programs: others, words, environment })
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
