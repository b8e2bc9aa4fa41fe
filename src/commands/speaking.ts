/** What the commands for keys and for registers have in common: values in and out, and their ends. */
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import type { Refused, Unavailable } from '../client/client.ts'
import type { Output } from '../settings/asking.ts'
import { EXITS } from './exits.ts'
import { CommandFailed } from './failed.ts'
import { valueFields } from './jsonl.ts'
import { complain, write } from './said.ts'

const VALUE_CHARACTERS_MAX = 60
const STANDARD_INPUT = '-'

/** The value that is put. @throws CommandFailed when it cannot be read */
export async function valueOf({
  value,
  file,
}: {
  readonly value: string | undefined
  readonly file: string | undefined
}): Promise<string | Uint8Array> {
  if (value !== undefined && file !== undefined) throw new CommandFailed('VALUE and -file are both there; give one')
  if (value !== undefined) return value
  if (file === undefined || file === STANDARD_INPUT) return buffer(process.stdin)
  try {
    return await readFile(file)
  } catch (error) {
    throw new CommandFailed(`-file ${file} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

/** A value that was found. */
export interface Shown {
  readonly value: Uint8Array
  readonly contentType: string
  /** For people, between the key and the content type. */
  readonly cells: readonly string[]
  /** For programs, beside the key, the size and the value. */
  readonly facts: object
}

/** @returns the exit code of what was found */
export async function shown(key: string, { value, contentType, cells, facts }: Shown, output: Output): Promise<number> {
  if (output === 'raw') {
    await write(value)
    // A terminal would put the prompt behind it.
    if (process.stdout.isTTY && value.at(-1) !== 0x0a) await write('\n')
  } else if (output === 'json') {
    await write(`${JSON.stringify({ key, size: value.length, ...facts, contentType, ...valueFields(value) })}\n`)
  } else {
    const fields = valueFields(value)
    const text = 'value' in fields ? JSON.stringify(fields.value) : fields.valueBase64
    await write(`${[key, ...cells, contentType, text.slice(0, VALUE_CHARACTERS_MAX)].join('  ')}\n`)
  }
  return EXITS.done
}

/** One after the other. @returns the first exit code that is not 0 */
export async function each(keys: readonly string[], ask: (key: string) => Promise<number>): Promise<number> {
  let code: number = EXITS.done
  for (const key of keys) {
    const one = await ask(key)
    if (code === EXITS.done) code = one
  }
  return code
}

/** @returns the exit code */
export function failed(command: string, outcome: Refused | Unavailable): number {
  complain(command, outcome.kind === 'refused' ? `refused (${outcome.problem}): ${outcome.detail}` : `not done in time: ${outcome.detail}`)
  return EXITS.failed
}
