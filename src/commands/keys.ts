/**
 * The commands for single keys: put, get, ls, stat, wait. What became of each is an exit code for
 * scripts.
 */
import type { Client } from '../client/client.ts'
import type { Found, StatOutcome, Stored } from '../client/client.ts'
import type { Output } from '../settings/asking.ts'
import type { ClientCommand } from '../settings/client-commands.ts'
import { EXITS } from './exits.ts'
import { format } from './format.ts'
import { complain, say, write } from './said.ts'
import { each, failed, shown, valueOf } from './speaking.ts'

type Of<Name extends ClientCommand['name']> = Extract<ClientCommand, { readonly name: Name }>

const STORED_HEAD = ['KEY', 'BYTES', 'WRITTEN', 'ETAG']
const STAT_HEAD = ['KEY', 'BYTES', 'TYPE', 'WRITTEN', 'ETAG']

/** @returns the exit code */
export async function putKey(command: Of<'put'>, client: Client, signal: AbortSignal): Promise<number> {
  const { storedKey: key, idempotencyKey, contentType, output = 'table' } = command
  const value = await valueOf(command)
  const options = { signal, ...(contentType !== undefined && { contentType }), ...(idempotencyKey !== undefined && { idempotencyKey }) }
  const outcome = await client.put(key, value, options)
  switch (outcome.kind) {
    case 'created':
    case 'stored-before':
      say(storedLines(output, [outcome.stored], [{ outcome: outcome.kind, ...outcome.stored }]))
      return EXITS.done
    case 'conflict':
      complain('put', `${key} has another value already, for good; choose another key`)
      return EXITS.conflict
    case 'reused':
      complain('put', `-idempotency-key ${idempotencyKey} stored ${key} with another value or content type`)
      return EXITS.conflict
    case 'in-doubt': {
      const again = `give the same command again with -idempotency-key ${outcome.idempotencyKey}`
      complain('put', `in doubt: ${key} may be stored, now or later (${outcome.detail}); ${again}`)
      return EXITS.inDoubt
    }
    default:
      return failed('put', outcome)
  }
}

/** @returns the exit code: that of the first key that was not found */
export async function getKeys(command: Of<'get'>, client: Client, signal: AbortSignal): Promise<number> {
  const { keys, consistency, output = 'raw' } = command
  return each(keys, async (key) => {
    const outcome = await client.get(key, { signal, consistency })
    if (outcome.kind === 'found') return shownKey(key, outcome, output)
    if (outcome.kind !== 'absent') return failed('get', outcome)
    return absent('get', key, outcome.consistency === 'local')
  })
}

/** @returns the exit code */
export async function waitForKeys(command: Of<'stat' | 'wait'>, client: Client, signal: AbortSignal): Promise<number> {
  const { keys, output = 'raw' } = command
  return each(keys, async (key) => {
    const outcome = await client.wait(key, { signal })
    return outcome.kind === 'found' ? shownKey(key, outcome, output) : failed('wait', outcome)
  })
}

/** @returns the exit code */
export async function statKeys(command: Of<'stat' | 'wait'>, client: Client, signal: AbortSignal): Promise<number> {
  const { keys, output = 'table' } = command
  const found: Extract<StatOutcome, { readonly kind: 'known' }>['facts'][] = []
  const code = await each(keys, async (key) => {
    const outcome = await client.stat(key, { signal })
    if (outcome.kind === 'absent') return absent('stat', key, false)
    if (outcome.kind !== 'known') return failed('stat', outcome)
    found.push(outcome.facts)
    return EXITS.done
  })
  const rows = found.map(({ key, size, contentType, writtenAt, etag }) => [key, String(size), contentType, writtenAt, etag])
  if (found.length > 0) say(format(output, { head: STAT_HEAD, rows, facts: found }))
  return code
}

/** @returns the exit code */
export async function listKeys(command: Of<'ls'>, client: Client, signal: AbortSignal): Promise<number> {
  const { prefix, after, limit, count, output = 'table' } = command
  if (count) {
    const counted = await client.count({ signal, ...(prefix !== undefined && { prefix }), ...(after !== undefined && { after }) })
    say([output === 'json' ? JSON.stringify({ count: counted }) : String(counted)])
    return EXITS.done
  }
  const listed: Stored[] = []
  const isWhole = output === 'table'
  for await (const stored of client.list({
    signal,
    ...(prefix !== undefined && { prefix }),
    ...(after !== undefined && { after }),
    limit,
  })) {
    if (isWhole) listed.push(stored)
    else await write(`${output === 'json' ? JSON.stringify(stored) : stored.key}\n`)
  }
  if (isWhole && listed.length > 0) say(storedLines(output, listed, listed))
  return EXITS.done
}

/** Goes on until it is ended. @throws ClientFailed when it cannot go on */
export async function watchKeys({ prefix, cursor, output = 'table' }: Of<'watch'>, client: Client): Promise<number> {
  const options = { ...(prefix !== undefined && { prefix }), ...(cursor !== undefined && { cursor }) }
  for await (const watched of client.watch(options)) {
    if (watched.kind === 'watching') {
      if (output === 'table') complain('watch', `from ${watched.cursor} on`)
      continue
    }
    const { stored } = watched
    const line =
      output === 'json'
        ? JSON.stringify({ ...stored, cursor: watched.cursor })
        : output === 'raw'
          ? stored.key
          : `${stored.writtenAt}  ${stored.key}  ${stored.size} B  ${watched.cursor}`
    await write(`${line}\n`)
  }
  return EXITS.done
}

function storedLines(output: Output, stored: readonly Stored[], facts: readonly unknown[]): string[] {
  const rows = stored.map(({ key, size, writtenAt, etag }) => [key, String(size), writtenAt, etag])
  return format(output, { head: STORED_HEAD, rows, facts })
}

function shownKey(key: string, { value, contentType, etag }: Found, output: Output): Promise<number> {
  return shown(key, { value, contentType, cells: [], facts: { etag } }, output)
}

function absent(command: string, key: string, isLocal: boolean): number {
  complain(command, `there is no key ${key}${isLocal ? ' in the own copy of this peer' : ''}`)
  return EXITS.absent
}
