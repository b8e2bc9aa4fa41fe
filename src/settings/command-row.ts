/**
 * How a command is described: its help, its completion and its reading come from this and from
 * nowhere else.
 */
import type { AnyFlags } from './flags.ts'

/** What follows the name of a command: its field, its name, and how it is read. */
export type Operand = readonly [field: string, placeholder: string, parse: (text: string) => string]
export type Operands = readonly Operand[]

export interface CommandRow {
  readonly meaning: string
  readonly operands: Operands
  /** One more, that may be left away. */
  readonly optional?: Operand
  /** One or more at the end, all read alike. */
  readonly rest?: Operand
  readonly flags: AnyFlags
  /** What is wrong with what was given, as a whole; undefined when nothing is. */
  readonly fault?: (fields: Readonly<Record<string, unknown>>) => string | undefined
  /** Lines that can be typed, each without the name of the program. */
  readonly examples?: readonly string[]
}

/** As the help shows it: `get KEY…`. */
export function usageOf(name: string, { operands, optional, rest }: CommandRow): string {
  const placeholders = operands.map(([, placeholder]) => placeholder)
  return [
    name,
    ...placeholders,
    ...(optional === undefined ? [] : [`[${optional[1]}]`]),
    ...(rest === undefined ? [] : [`${rest[1]}…`]),
  ].join(' ')
}
