/** A program that has to end well. */
import { run } from '../run.ts'

/** @returns all that it wrote. @throws Error with that when it fails */
export async function done(command: readonly [string, ...string[]]): Promise<string> {
  const { code, output } = await run(command)
  if (code !== 0) throw new Error(`${command.join(' ')} failed\n${output}`)
  return output
}
