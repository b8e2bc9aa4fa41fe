/** Lists of what is live here, a page at a time. */
import type { RegisterKey } from '../base/register.ts'
import type { Entry } from './record.ts'
import type { ListAnswer, Listed } from './requests.ts'

/** @param live in the order of the keys, behind the page before */
export function listed(live: Iterable<readonly [RegisterKey, Entry]>, limit: number): ListAnswer {
  const registers: Listed[] = []
  for (const [key, { record }] of live) {
    if (registers.length === limit) return { kind: 'listed', registers, next: registers.at(-1)?.key }
    const { version, value, writtenAtMs, ttlMs } = record
    const expiresAtMs = ttlMs === undefined ? undefined : writtenAtMs + ttlMs
    registers.push({ key, version, size: value.length, writtenAtMs, expiresAtMs })
  }
  return { kind: 'listed', registers, next: undefined }
}
