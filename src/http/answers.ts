/** An answer as plain data: made by functions that touch no socket, written by `exchange.ts`. */

export interface Answer {
  readonly status: number
  /**
   * Name, value, name, value: the form that Node writes without another copy. `Date` and
   * `Connection` are added on writing.
   */
  readonly headers: string[]
  readonly body: string | Uint8Array | undefined
}

/** No page may show an answer inside itself. */
export const UNFRAMED_POLICY = "frame-ancestors 'none'"

/**
 * What each answer has, whatever it is: no browser guesses its type, and no page of another origin
 * gets it as a part of itself.
 */
export const COMMON_HEADERS: readonly string[] = ['X-Content-Type-Options', 'nosniff', 'Cross-Origin-Resource-Policy', 'same-origin']

/** A JSON answer that nobody may keep. */
export function json(status: number, value: unknown): Answer {
  return text(status, 'application/json', JSON.stringify(value))
}

/** An answer of text, which nobody may keep. */
export function text(status: number, contentType: string, body: string, policy: string = UNFRAMED_POLICY): Answer {
  return unkept(status, contentType, body, Buffer.byteLength(body), policy)
}

/** An answer of bytes, which nobody may keep. */
export function bytes(status: number, contentType: string, body: Uint8Array): Answer {
  return unkept(status, contentType, body, body.length, UNFRAMED_POLICY)
}

/** Sends whoever asked to another path of this peer, this time. */
export function elsewhere(path: string): Answer {
  const answer = text(302, 'text/plain', `See ${path}\n`)
  answer.headers.push('Location', path)
  return answer
}

function unkept(status: number, contentType: string, body: string | Uint8Array, length: number, policy: string): Answer {
  const headers = [
    'Content-Type',
    contentType,
    'Content-Length',
    String(length),
    'Cache-Control',
    'no-store',
    'Content-Security-Policy',
    policy,
  ]
  return { status, headers, body }
}
