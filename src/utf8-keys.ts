/** Keys of lmdb as UTF-8, compared byte by byte. */
export const UTF8_KEYS: {
  writeKey(key: string, target: Buffer, start: number): number
  readKey(source: Buffer, start: number, end: number): string
} = {
  writeKey(key: string, target: Buffer, start: number): number {
    // lmdb asks again with more room on a RangeError; Buffer would cut the key short without a
    // word.
    if (start + key.length * 3 > target.length && start + Buffer.byteLength(key) > target.length) throw new RangeError('no room')
    return start + target.write(key, start)
  },
  readKey(source: Buffer, start: number, end: number): string {
    return source.toString('utf8', start, end)
  },
}
