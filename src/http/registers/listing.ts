/** `GET /kv`: the live registers that this peer holds, a page at a time. */
import type { Listed } from '../../../protocols/registers/requests.ts'
import type { Registers } from '../../ports/registers.ts'
import { json } from '../answers.ts'
import type { Answer } from '../answers.ts'
import { formatTime } from '../dates.ts'
import type { Range } from '../listing.ts'
import type { ListQuery } from '../query.ts'

/** @param ranges what of the prefix may be shown */
export async function listRegisters(registers: Registers, ranges: readonly Range[], { after, limit }: ListQuery): Promise<Answer> {
  const found: Listed[] = []
  for (const { prefix, isOne } of ranges) {
    // One more than fits tells that there are more.
    const wanted = limit + 1 - found.length
    if (wanted <= 0) break
    const page = await registers.list({ kind: 'list', prefix, after, limit: isOne ? 1 : wanted })
    found.push(...(isOne ? page.registers.filter(({ key }) => key === prefix) : page.registers))
  }
  const keys = found.slice(0, limit).map(rowOf)
  const last = keys.at(-1)
  return json(200, found.length > limit && last !== undefined ? { keys, next: last.key } : { keys })
}

interface Row {
  readonly key: string
  readonly version: number
  readonly size: number
  readonly writtenAt: string
  readonly expires?: string
}

function rowOf({ key, version, size, writtenAtMs, expiresAtMs }: Listed): Row {
  const row = { key, version, size, writtenAt: formatTime(writtenAtMs) }
  return expiresAtMs === undefined ? row : { ...row, expires: formatTime(expiresAtMs) }
}
