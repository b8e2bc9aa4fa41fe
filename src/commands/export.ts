/**
 * `replicator export`: keys with their values, a line each, in the order of their bytes. A file
 * that is there is gone on with after its last whole line, so an export that was interrupted is
 * given again as it was.
 */
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import type { Client } from '../client/client.ts'
import type { ClientCommand } from '../settings/client-commands.ts'
import { PAGE_ROWS } from './backup/at-one-moment.ts'
import { EXITS } from './exits.ts'
import { CommandFailed } from './failed.ts'
import { parseLine, valueFields } from './jsonl.ts'
import { Progress } from './progress.ts'
import { complain, write } from './said.ts'

type Export = Extract<ClientCommand, { readonly name: 'export' }>

const LINE_FEED = 0x0a
const SECOND_MS = 1_000
/** Lines between looks at whether to say how far it is. */
const SHOW_LINES = 1_000
/** What is written at once. */
const WRITE_BYTES = 262_144

/** @returns the exit code */
export async function exportKeys(command: Export, client: Client): Promise<number> {
  const { file } = command
  if (file === undefined) {
    await exportTo(command, client, command.after, write)
    return EXITS.done
  }
  const handle = await openFile(file)
  try {
    const last = await cutAfterLastLine(handle)
    if (last !== undefined) complain('export', `goes on after ${last}`)
    const lines = await exportTo(command, client, last ?? command.after, (text) => handle.appendFile(text))
    await handle.sync()
    complain('export', `${lines} keys written to ${file}`)
  } finally {
    await handle.close()
  }
  return EXITS.done
}

/** @returns how many lines */
async function exportTo(command: Export, client: Client, after: string | undefined, put: (text: string) => Promise<void>): Promise<number> {
  const startedMs = performance.now()
  const progress = new Progress()
  let lines = 0
  let text = ''
  try {
    for await (const { key, value, contentType } of rowsFrom(command, client, after)) {
      text += `${JSON.stringify({ key, ...valueFields(value), contentType })}\n`
      lines += 1
      if (text.length >= WRITE_BYTES) {
        await put(text)
        text = ''
      }
      const seconds = (performance.now() - startedMs) / SECOND_MS
      if (process.stderr.isTTY && lines % SHOW_LINES === 0) progress.show(`${lines} keys, ${Math.round(lines / seconds)} a second`, seconds)
    }
  } finally {
    progress.end()
    if (text !== '') await put(text)
  }
  return lines
}

/** Each page has the time that is given to a request. */
async function* rowsFrom({ prefix, timeoutMs }: Export, client: Client, after: string | undefined): ReturnType<Client['listValues']> {
  let last = after
  for (let count = PAGE_ROWS; count === PAGE_ROWS;) {
    count = 0
    const from = { limit: PAGE_ROWS, ...(prefix !== undefined && { prefix }), ...(last !== undefined && { after: last }) }
    for await (const row of client.listValues({ ...from, signal: AbortSignal.timeout(timeoutMs) })) {
      yield row
      last = row.key
      count += 1
    }
  }
}

async function openFile(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'a+', 0o600)
  } catch (error) {
    throw new CommandFailed(`${file} cannot be written: ${(error as Error).message}`, { cause: error })
  }
}

/**
 * Cuts off a line that was not written whole. @returns the key of the last whole one; undefined
 * when there is none
 */
async function cutAfterLastLine(handle: FileHandle): Promise<string | undefined> {
  const { size } = await handle.stat()
  const end = await lastLineFeed(handle, size)
  if (end < size) await handle.truncate(end)
  if (end === 0) return undefined
  const start = await lastLineFeed(handle, end - 1)
  const line = Buffer.alloc(end - 1 - start)
  await handle.read(line, 0, line.length, start)
  return parseLine(line.toString('utf8'), 0).key
}

/** @returns the byte behind the last line feed before a place; 0 when there is none */
async function lastLineFeed(handle: FileHandle, before: number): Promise<number> {
  const bytes = Buffer.alloc(WRITE_BYTES)
  for (let end = before; end > 0;) {
    const start = Math.max(0, end - bytes.length)
    const { bytesRead } = await handle.read(bytes, 0, end - start, start)
    const found = bytes.subarray(0, bytesRead).lastIndexOf(LINE_FEED)
    if (found >= 0) return start + found + 1
    end = start
  }
  return 0
}
