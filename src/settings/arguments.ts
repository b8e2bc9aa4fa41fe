/** Settings that a program gives, by the names of the flags, as the command line that says them. */

/** Several values where a flag may be repeated; undefined is not said. */
export type FlagValues = Readonly<Record<string, string | number | readonly string[] | undefined>>

export function argumentsOf(flags: FlagValues): string[] {
  return Object.entries(flags).flatMap(([name, value]) => [value ?? []].flat().map((each) => `-${name}=${each}`))
}
