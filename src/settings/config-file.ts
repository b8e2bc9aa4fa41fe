/**
 * The file of `-config`: a line a setting, `name = value` with the names of the flags, repeated
 * where a flag may be. Flags and variables replace what stands there. `-print-config` writes such a
 * file of what holds, and says where each line came from.
 */
import { readFileSync } from 'node:fs'
import { FLAGS, once, toggle, variableOf } from './flags.ts'
import type { AnyFlags, Flag, FlagTable } from './flags.ts'
import { didYouMean } from './nearest.ts'
import { UsageError } from './usage-error.ts'
import { parseFile } from './values.ts'

/** Far above what settings take, and low enough to catch another file. */
const FILE_CHARACTERS_MAX = 1_048_576
const LINE = /^\s*-{0,2}([A-Za-z][A-Za-z0-9-]*)\s*(?:=\s*|\s+)(\S.*?)\s*$/

/** What a file holds, by the names of flags. */
export interface ConfigFile {
  readonly path: string
  readonly texts: ReadonlyMap<string, readonly string[]>
}

/** Where settings come from, beside flags and variables. */
export interface Sources {
  readonly configFile: ConfigFile | undefined
  /** Print what holds, and start nothing. */
  readonly printConfig: boolean
}

export const SOURCES: FlagTable<Sources> = {
  configFile: {
    ...once(readConfigFile),
    name: 'config',
    placeholder: 'FILE',
    isOwn: true,
    meaning: 'File with a setting a line, "name = value", named as the flags are. Flags and variables replace them; "#" begins a comment.',
    fallback: { value: undefined, text: 'none' },
  },
  printConfig: { ...toggle(), name: 'print-config', meaning: 'Prints what holds and where it comes from, as such a file, and ends.' },
}

/** @throws UsageError that names the line which will not do */
export function readConfigFile(path: string): ConfigFile {
  const texts = new Map<string, string[]>()
  const lines = read(parseFile(path)).split(/\r?\n/)
  for (const [index, line] of lines.entries()) {
    if (/^\s*(#|$)/.test(line)) continue
    const [, name, value] = LINE.exec(line) ?? []
    if (name === undefined || value === undefined) throw new UsageError(`line ${index + 1} is not "name = value"`)
    const flag = Object.values<Flag<unknown>>(FLAGS).find((known) => known.name === name)
    if (flag === undefined) throw new UsageError(`line ${index + 1}: there is no setting ${name}${nearest(name)}`)
    const before = texts.get(name) ?? []
    if (before.length > 0 && !flag.repeatable) throw new UsageError(`line ${index + 1}: ${name} is there twice; give it once`)
    texts.set(name, [...before, value])
  }
  return Object.freeze({ path, texts })
}

function nearest(name: string): string {
  return didYouMean(
    name,
    Object.values<Flag<unknown>>(FLAGS).map((flag) => flag.name),
  ).replace(/\?$/, '')
}

function read(path: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`the file cannot be read (${(error as NodeJS.ErrnoException).code}); name one that this user may read`, {
      cause: error,
    })
  }
  if (text.length > FILE_CHARACTERS_MAX) throw new UsageError('the file is too large to hold settings')
  return text
}

/**
 * What holds, as a file of `-config`: defaults stand as comments. No secret is in it, only the
 * paths of their files; of a password in a URL stars.
 *
 * @param given the texts of flags, by name
 */
export function printedConfig(
  table: AnyFlags,
  given: ReadonlyMap<string, readonly string[]>,
  environment: Readonly<Record<string, string | undefined>>,
  file: ConfigFile | undefined,
): string {
  return Object.values(table)
    .flatMap(({ name, placeholder, repeatable, fallback }) => {
      const value = (texts: readonly string[], origin: string): string[] => [
        `# ${origin}`,
        ...texts.map((text) => `${name} = ${placeholder === undefined && text === '' ? 'on' : withoutPassword(text)}`),
      ]
      const variable = environment[variableOf(name)] ?? ''
      const [ofFlag, ofFile] = [given.get(name), file?.texts.get(name)]
      if (ofFlag !== undefined) return value(ofFlag, `from the flag -${name}`)
      if (variable !== '')
        return value(repeatable ? variable.split(',').map((text) => text.trim()) : [variable], `from the variable ${variableOf(name)}`)
      if (ofFile !== undefined) return value(ofFile, `from ${file?.path}`)
      return [`# ${name}: ${fallback === 'required' ? 'required' : `default, ${fallback.text}`}`]
    })
    .join('\n')
}

function withoutPassword(text: string): string {
  return text.replace(/(:\/\/[^/@:\s]*:)[^/@\s]+@/g, '$1***@')
}
