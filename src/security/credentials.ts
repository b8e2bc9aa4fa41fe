/**
 * Which grant a request has by what it shows. The tokens are looked for by a keyed hash of their
 * own hash, so that how long it takes tells nothing about any token, however many there are; the
 * hash that is found is then compared in constant time.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { OPEN } from './grant.ts'
import type { Grant } from './grant.ts'
import type { TokenLine } from './token-file.ts'

/** Headers whose grant is remembered, so that a client in a hurry costs one look into a map. */
const REMEMBERED_MAX = 1_024
const BEARER = /^Bearer +([\x21-\x7e]{1,512})$/i

/** Why a request shows nothing that counts. */
export type CredentialFault =
  /** There is no token, and some are asked for. */
  | 'missing'
  /** There is another scheme than Bearer. */
  | 'malformed'
  | 'unknown'
  | 'expired'

interface Line {
  readonly grant: Grant
  readonly digest: Buffer
}

export class Credentials {
  readonly #wallMs: () => number
  readonly #key: Buffer = randomBytes(32)
  /** Undefined where no tokens are asked for. */
  #lines: ReadonlyMap<string, Line> | undefined
  #anonymous: Grant | undefined
  /** The grants of all lines. */
  #standing: ReadonlySet<Grant> = new Set()
  readonly #remembered = new Map<string, Grant>()

  /** @param wallMs milliseconds since 1970 */
  constructor(wallMs: () => number, lines?: readonly TokenLine[]) {
    this.#wallMs = wallMs
    if (lines !== undefined) this.replace(lines)
  }

  /** True when tokens are asked for. */
  get isAsked(): boolean {
    return this.#lines !== undefined
  }

  /** Puts other tokens in force. */
  replace(lines: readonly TokenLine[]): void {
    this.#remembered.clear()
    const next = new Map<string, Line>()
    let anonymous: Grant | undefined
    for (const { grant, hash } of lines) {
      if (hash === undefined) anonymous = this.#kept(grant, this.#anonymous)
      else {
        const digest = Buffer.from(hash, 'hex')
        const place = this.#placeOf(digest)
        next.set(place, { grant: this.#kept(grant, this.#lines?.get(place)?.grant), digest })
      }
    }
    this.#lines = next
    this.#anonymous = anonymous
    this.#standing = new Set([...next.values()].map((line) => line.grant).concat(anonymous ?? []))
  }

  /** The grant of a request, or why it has none. @param header its `Authorization` */
  grantOf(header: string | undefined): Grant | CredentialFault {
    if (this.#lines === undefined) return OPEN
    if (header === undefined) return this.#anonymous === undefined ? 'missing' : this.#inTime(this.#anonymous, 'missing')
    const remembered = this.#remembered.get(header)
    if (remembered !== undefined) return this.#inTime(remembered, 'expired')
    const token = BEARER.exec(header)?.[1]
    if (token === undefined) return 'malformed'
    const digest = createHash('sha256').update(token).digest()
    const line = this.#lines.get(this.#placeOf(digest))
    if (line === undefined || !timingSafeEqual(line.digest, digest)) return 'unknown'
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear()
    this.#remembered.set(header, line.grant)
    return this.#inTime(line.grant, 'expired')
  }

  /**
   * True while a grant holds: its time is not over, and its line is still in the file as it was.
   */
  holds(grant: Grant): boolean {
    if (grant.proof === 'socket' || this.#lines === undefined) return true
    return this.#standing.has(grant) && grant.expiresAtMs > this.#wallMs()
  }

  #inTime(grant: Grant, fault: CredentialFault): Grant | CredentialFault {
    return grant.expiresAtMs <= this.#wallMs() ? fault : grant
  }

  /** The grant of a line that is as it was stays the same one. */
  #kept(grant: Grant, before: Grant | undefined): Grant {
    return before !== undefined && isEqual(grant, before) ? before : grant
  }

  #placeOf(digest: Buffer): string {
    return createHmac('sha256', this.#key).update(digest).digest('base64url')
  }
}

function isEqual(one: Grant, other: Grant): boolean {
  const said = ({ name, scopes, prefixes, expiresAtMs }: Grant): string =>
    JSON.stringify([name, [...scopes], prefixes, String(expiresAtMs)])
  return said(one) === said(other)
}
