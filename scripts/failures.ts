/**
 * What failed in a run of the tests, told once more at its end, short: whoever keeps only the end
 * of the output reads there which test failed first, and why.
 */
import { relative } from 'node:path'
import { inspect } from 'node:util'
import { ROOT } from './run.ts'

/** All of these and the sum are among the last hundred lines. */
const FAILURES_SHOWN_MAX = 5
const LINES_OF_EACH_MAX = 16
/** Neither of these says more than what failed beside it. */
const FOLLOWS_FROM_OTHERS: readonly string[] = ['subtestsFailed', 'cancelledByParent']
/** Frames of Node itself lead nowhere. */
const INNER_FRAME = /^\s*at .*\(?node:/

/** Of a test that failed, as the runner tells it. */
export interface Failed {
  readonly name: string
  readonly file?: string | undefined
  readonly line?: number | undefined
  readonly details: { readonly error: Error & { readonly failureType?: string } }
}

/** Collects what fails, in the order in which it is told. */
export class Failures {
  readonly #told: string[] = []

  /** @param when as `again, alone`; empty for the first time */
  add({ name, file, line, details }: Failed, when: string): void {
    const { error } = details
    if (FOLLOWS_FROM_OTHERS.includes(error.failureType ?? '')) return
    const place = file === undefined ? '' : `${relative(ROOT, file)}:${line ?? 1}: `
    const lines = inspect(error.cause ?? error, { depth: 4, maxStringLength: 2_000, colors: false })
      .split('\n')
      .filter((text) => !INNER_FRAME.test(text))
    const cut = lines.length > LINES_OF_EACH_MAX ? [...lines.slice(0, LINES_OF_EACH_MAX), '…'] : lines
    this.#tell(`${place}${name}${when === '' ? '' : ` (${when})`}`, cut)
  }

  /** A program that failed, with the end of what it printed. */
  addProgram(name: string, output: string): void {
    this.#tell(name, output.trimEnd().split('\n').slice(-LINES_OF_EACH_MAX))
  }

  /** @returns one text a failure, the first first; nothing when nothing failed */
  describe(): string[] {
    const shown = this.#told.slice(0, FAILURES_SHOWN_MAX)
    const rest = this.#told.length - shown.length
    const texts = shown.map((text, index) => `failed, number ${index + 1}: ${text}`)
    return rest > 0 ? [...texts, `and ${rest} more, above`] : texts
  }

  #tell(what: string, lines: readonly string[]): void {
    this.#told.push([what, ...lines.map((text) => `    ${text}`)].join('\n'))
  }
}
