/**
 * A backup of a store in Redis: its head, then each key with its dump. It is taken by SCAN and DUMP
 * while nothing is applied, and so is a picture of one position.
 */
import { utf8 } from '../../bytes.ts'
import { OWN_PREFIX } from './sandbox.ts'
import type { Fields } from './head.ts'
import type { RedisStoreLink } from './link.ts'
import { HEAD_KEY } from './scripts.ts'

/** Keys asked for at once. */
const KEYS_TOGETHER = 500
/** Restored at once: keys, or bytes of them. */
const BYTES_TOGETHER = 4_194_304

/** @throws StoreUnavailable */
export async function* dumpOf(link: RedisStoreLink, head: Fields, signal: AbortSignal): AsyncIterable<Uint8Array> {
  yield utf8.encode(JSON.stringify(head))
  for await (const keys of keysOf(link)) {
    signal.throwIfAborted()
    const dumps = (await link.commands(keys.map((key) => ['DUMP', key]))) as (Buffer | null)[]
    for (const [place, dump] of dumps.entries()) {
      if (dump === null) continue
      yield keys[place] as Buffer
      yield dump
    }
  }
}

/** Puts the keys of a backup there. @returns its head. @throws StoreUnavailable, and what `frames` throws */
export async function restoreInto(link: RedisStoreLink, frames: AsyncIterable<Buffer>): Promise<Fields | undefined> {
  let head: Fields | undefined
  let key: Buffer | undefined
  let some: (readonly (string | Buffer)[])[] = []
  let bytes = 0
  const put = async (): Promise<void> => {
    await link.commands(some)
    some = []
    bytes = 0
  }
  for await (const frame of frames) {
    if (head === undefined) head = JSON.parse(utf8.decode(frame)) as Fields
    else if (key === undefined) key = frame
    else {
      some.push(['RESTORE', key, '0', frame, 'REPLACE'])
      bytes += frame.length
      key = undefined
      if (some.length >= KEYS_TOGETHER || bytes >= BYTES_TOGETHER) await put()
    }
  }
  await put()
  return head
}

/** All keys but the head, perhaps some of them twice. */
export async function* keysOf(link: RedisStoreLink): AsyncIterable<Buffer[]> {
  let cursor = '0'
  do {
    const [next, keys] = (await link.command('SCAN', cursor, 'COUNT', String(KEYS_TOGETHER))) as [Buffer, Buffer[]]
    cursor = next.toString()
    yield keys.filter((key) => key.toString('latin1') !== HEAD_KEY)
  } while (cursor !== '0')
}

export function isOwnKey(key: Buffer): boolean {
  return key.toString('latin1').startsWith(OWN_PREFIX)
}
