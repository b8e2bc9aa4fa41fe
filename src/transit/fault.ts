/**
 * Why a text of a client will not do: thrown inside the reader, told as a value to whoever asked it
 * to read.
 */

/**
 * `bad`: it is not what it should be. `too-large`: an element, or their number, is beyond its
 * bound. `bad-stamp`: no stamp can be this number.
 */
export type FaultKind = 'bad' | 'too-large' | 'bad-stamp'

export class TransitFault extends Error {
  override readonly name = 'TransitFault'
  readonly kind: FaultKind

  /** @param detail one sentence, for people */
  constructor(detail: string, kind: FaultKind = 'bad') {
    super(detail)
    this.kind = kind
  }
}

/** What was read, or why it could not be. */
export type Read<T> = { readonly value: T; readonly fault?: never } | { readonly value?: never; readonly fault: TransitFault }

/** Gives what a reader gives, and its fault as a value. */
export function guarded<T>(read: () => T): Read<T> {
  try {
    return { value: read() }
  } catch (error) {
    if (error instanceof TransitFault) return { fault: error }
    throw error
  }
}
