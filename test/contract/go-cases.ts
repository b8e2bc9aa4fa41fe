/** The cases of a test in Go, as `cockroachdb/datadriven` writes them. */
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

export interface Case {
  readonly where: string
  readonly command: string
  readonly input: string
  readonly expected: string
}

/**
 * A command, its input, a line of dashes, what is expected, an empty line.
 *
 * @param folder with files that end in `.txt`
 */
export function casesIn(folder: string): Case[] {
  return globSync('*.txt', { cwd: folder })
    .toSorted()
    .flatMap((name) => {
      const text = readFileSync(join(folder, name), 'utf8').replaceAll(/^#.*\n/gm, '')
      return [...text.matchAll(/^(\S.*)\n((?:.+\n)*?)----\n((?:.+\n?)*)/gm)].map(([, command = '', input = '', expected = '']) => ({
        where: basename(name),
        command,
        input: input.trim(),
        expected,
      }))
    })
}
