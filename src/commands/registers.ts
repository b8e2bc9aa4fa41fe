/** The commands for registers. What became of each is an exit code for scripts. */
import { unreachable } from '../../protocols/base/assert.ts'
import type { Client, DeleteOutcome, RegisterRow, WriteName, WriteOptions, WriteOutcome } from '../client/client.ts'
import type { RegisterCommand, Writing } from '../settings/register-commands.ts'
import { EXITS } from './exits.ts'
import { CommandFailed } from './failed.ts'
import { format } from './format.ts'
import { valueFields } from './jsonl.ts'
import { complain, say, write } from './said.ts'
import { each, failed, shown, valueOf } from './speaking.ts'

type Of<Name extends RegisterCommand['name']> = Extract<RegisterCommand, { readonly name: Name }>

const WRITTEN_HEAD = ['KEY', 'VERSION', 'OUTCOME']
const LISTED_HEAD = ['KEY', 'VERSION', 'BYTES', 'WRITTEN', 'EXPIRES']
const NEVER = '-'

/** @returns the exit code */
export async function putRegister(command: Of<'kv put'>, client: Client, signal: AbortSignal): Promise<number> {
  const { storedKey: key, contentType, ttlSeconds } = command
  const value = await valueOf(command)
  const options = {
    ...writingOf(command, signal),
    ...(contentType !== undefined && { contentType }),
    ...(ttlSeconds !== undefined && { ttlSeconds }),
  }
  return ended(command, key, await client.registers.put(key, value, options))
}

/** @returns the exit code: that of the first register that was not deleted */
export async function removeRegisters(command: Of<'kv rm'>, client: Client, signal: AbortSignal): Promise<number> {
  return each(command.keys, async (key) => ended(command, key, await client.registers.delete(key, writingOf(command, signal))))
}

/** @returns the exit code: that of the first register that was not found */
export async function getRegisters(
  { keys, consistency, output = 'raw' }: Of<'kv get'>,
  client: Client,
  signal: AbortSignal,
): Promise<number> {
  return each(keys, async (key) => {
    const outcome = await client.registers.get(key, { signal, consistency })
    if (outcome.kind === 'found') {
      const { value, contentType, version } = outcome
      return shown(key, { value, contentType, cells: [String(version)], facts: { version } }, output)
    }
    if (outcome.kind !== 'absent') return failed('kv get', outcome)
    return absent('kv get', key, outcome.consistency === 'local' ? ' in the own copy of this peer' : '')
  })
}

/** @returns the exit code */
export async function listRegisters(command: Of<'kv ls'>, client: Client, signal: AbortSignal): Promise<number> {
  const { prefix, after, limit, output = 'table' } = command
  const listed: RegisterRow[] = []
  const options = { signal, limit, ...(prefix !== undefined && { prefix }), ...(after !== undefined && { after }) }
  for await (const row of client.registers.list(options)) {
    if (output === 'table') listed.push(row)
    else await write(`${output === 'json' ? JSON.stringify(row) : row.key}\n`)
  }
  const rows = listed.map(({ key, version, size, writtenAt, expires = NEVER }) => [key, String(version), String(size), writtenAt, expires])
  if (rows.length > 0) say(format(output, { head: LISTED_HEAD, rows, facts: listed }))
  return EXITS.done
}

/** Goes on until it is ended. @throws ClientFailed when it is refused */
export async function watchRegisters(command: Of<'kv watch'>, client: Client): Promise<number> {
  const { prefix, isFromStart, cursor, values, output = 'table' } = command
  if (isFromStart && cursor !== undefined) throw new CommandFailed('-start and -cursor are both there; give one')
  const from = isFromStart ? 'start' : 'now'
  const place = { from, ...(prefix !== undefined && { prefix }), ...(cursor !== undefined && { cursor }) } as const
  for await (const event of client.registers.watch({ ...place, values })) {
    if (event.kind === 'listing' || event.kind === 'watching') {
      const what = event.kind === 'listing' ? 'what is live:' : `from ${event.cursor} on`
      if (output === 'json') await write(`${JSON.stringify(event)}\n`)
      else if (output === 'table') complain('kv watch', what)
    } else if (output === 'json') {
      const { value, ...facts } = event.kind === 'put' ? event : { ...event, value: undefined }
      await write(`${JSON.stringify({ ...facts, ...(value !== undefined && valueFields(value)) })}\n`)
    } else if (output === 'raw') {
      await write(`${event.key}\n`)
    } else {
      const size = event.kind === 'put' ? `${event.size} B` : NEVER
      await write(`${[event.kind.padEnd(6), event.key, event.version, size, event.cursor ?? NEVER].join('  ')}\n`)
    }
  }
  return EXITS.done
}

function writingOf({ when, idempotencyKey, after }: Writing, signal: AbortSignal): WriteOptions {
  if (after !== undefined && idempotencyKey === undefined)
    throw new CommandFailed('-after is of a write that is repeated; give its -idempotency-key too')
  const name = idempotencyKey === undefined ? undefined : { idempotencyKey, after: after ?? (typeof when === 'number' ? when : undefined) }
  return { signal, ...(when !== undefined && { when }), ...(name !== undefined && { name }) }
}

/** @returns the exit code of a write */
function ended({ name, when, output = 'table' }: Of<'kv put' | 'kv rm'>, key: string, outcome: WriteOutcome | DeleteOutcome): number {
  switch (outcome.kind) {
    case 'written':
    case 'written-before':
    case 'deleted':
    case 'deleted-before': {
      const { kind, version } = outcome
      const rows = [[key, String(version), kind]]
      say(format(output, { head: WRITTEN_HEAD, rows, facts: [{ outcome: kind, key, version }] }))
      return EXITS.done
    }
    case 'absent':
      return absent(name, key, '')
    case 'mismatch': {
      const { current } = outcome
      const what = current === undefined ? 'something else is there' : current === 0 ? 'nothing is there' : `version ${current} is there`
      complain(name, `${key} was left as it is: ${what}, and -when ${when ?? ''} asks for another`)
      return EXITS.conflict
    }
    case 'reused':
      complain(name, `this -idempotency-key is that of another write of ${key}`)
      return EXITS.conflict
    case 'forgotten':
      complain(
        name,
        `not done now: so much was written to ${key} since the first try that nobody can tell whether that was applied; look, and write anew`,
      )
      return EXITS.failed
    case 'in-doubt':
      complain(
        name,
        `in doubt: ${key} may be changed, now or later (${outcome.detail}); give the same command again with ${flagsOf(outcome.name)}`,
      )
      return EXITS.inDoubt
    case 'unavailable':
    case 'refused':
      return failed(name, outcome)
    default:
      return unreachable(outcome)
  }
}

function flagsOf({ idempotencyKey, after }: WriteName): string {
  return `-idempotency-key ${idempotencyKey}${after === undefined ? '' : ` -after ${after}`}`
}

function absent(command: string, key: string, where: string): number {
  complain(command, `there is no register ${key}${where}`)
  return EXITS.absent
}
