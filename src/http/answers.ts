/** An answer as plain data: made by functions that touch no socket, written by `exchange.ts`. */

export interface Answer {
  readonly status: number
  /** Name, value, name, value: the form that Node writes without another copy. `Date` and `Connection` are added on writing. */
  readonly headers: string[]
  readonly body: string | Uint8Array | undefined
}

/** A JSON answer that nobody may keep. */
export function json(status: number, value: unknown): Answer {
  return text(status, 'application/json', JSON.stringify(value))
}

/** An answer of text, which nobody may keep. */
export function text(status: number, contentType: string, body: string): Answer {
  const headers = ['Content-Type', contentType, 'Content-Length', String(Buffer.byteLength(body)), 'Cache-Control', 'no-store']
  return { status, headers, body }
}
