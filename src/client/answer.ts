/** One answer of a peer, read whole: its status, its problem if it is one, and its body. */

const PROBLEM_TYPE = 'application/problem+json'
const PROBLEM_PREFIX = 'urn:replicator:'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Uint8Array
  /** The problem's name, as `key-exists`; undefined when it is none of a peer's own problems. */
  readonly problem: string | undefined
  /** Of a problem: all that it tells. */
  readonly facts: Readonly<Record<string, unknown>>
}

/** @throws whatever ends the body before its end */
export async function readAnswer(response: Response): Promise<Answer> {
  const body = new Uint8Array(await response.arrayBuffer())
  const facts = response.headers.get('content-type') === PROBLEM_TYPE ? parse(body) : {}
  return { status: response.status, headers: response.headers, body, problem: problemOf(facts), facts }
}

/** The name of a problem, as `key-exists`; undefined for what is no problem of a peer. */
export function problemOf({ type }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof type === 'string' && type.startsWith(PROBLEM_PREFIX) ? type.slice(PROBLEM_PREFIX.length) : undefined
}

/** The object that a body of JSON says; an empty one when it says none. */
export function parse(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const said: unknown = JSON.parse(new TextDecoder().decode(body))
    return typeof said === 'object' && said !== null ? (said as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** What a problem says of itself, in one line. */
export function detailOf({ status, facts }: Answer): string {
  const { detail } = facts
  return typeof detail === 'string' ? detail : `status ${status}, and no peer's answer`
}
