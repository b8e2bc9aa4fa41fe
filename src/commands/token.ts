/**
 * `replicator token NAME`: adds a line to a token file. The token itself is told once, and kept
 * nowhere.
 */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import type { NewToken } from '../settings/commands.ts'
import { hashOf, newToken, parseTokenFile } from '../security/token-file.ts'
import { CommandFailed } from './failed.ts'

/** Who reads it can do nothing with the hashes; who writes it makes tokens. */
const FILE_MODE = 0o600
const LINE_FEED = 0x0a

/**
 * @returns the token @throws CommandFailed when the file cannot be written, or is none of tokens
 */
export async function addToken({ tokenName, scopes, prefixes, expires, out }: NewToken): Promise<string> {
  const token = newToken()
  const fields = {
    name: tokenName,
    hash: hashOf(token),
    scopes,
    ...(prefixes.length > 0 && { prefixes }),
    ...(expires !== undefined && { expires }),
  }
  try {
    const file = await open(out, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND, FILE_MODE)
    try {
      await append(file, JSON.stringify(fields))
    } finally {
      await file.close()
    }
  } catch (error) {
    throw new CommandFailed(`${out}: ${(error as Error).message}; nothing was made`, { cause: error })
  }
  return token
}

/**
 * Adds a line in one write, which whoever reads meanwhile sees whole or not at all. A file that is
 * bad is left as it is.
 */
async function append(file: FileHandle, line: string): Promise<void> {
  const before = await file.readFile()
  parseTokenFile(before)
  const joint = before.length > 0 && before.at(-1) !== LINE_FEED ? '\n' : ''
  await file.write(`${joint}${line}\n`)
  await file.sync()
}
