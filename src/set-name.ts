/** Names of sets: a part of paths, of file names and of the names of keys in Redis. */
const NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/

export function isSetName(text: string): boolean {
  return NAME.test(text)
}
