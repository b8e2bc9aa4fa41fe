/** Why nobody answered, in words that say how to mend it. */

/**
 * What OpenSSL calls a certificate that nobody it trusts has signed, or that is for another name.
 */
const DISTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO/
/** What a peer with `-http-ca` says to whoever shows no certificate of it. */
const ASKS_FOR_CERTIFICATE = /ALERT_(CERTIFICATE_REQUIRED|UNKNOWN_CA|BAD_CERTIFICATE)/

/**
 * What no other try can mend, and how to; undefined for all that may be otherwise a moment later.
 */
export function mendable(name: string, error: unknown): string | undefined {
  const reason = reasonOf(error)
  if (ASKS_FOR_CERTIFICATE.test(reason)) return `the peer at ${name} asks for another certificate (${reason}): show one with -cert and -key`
  if (DISTRUSTED.test(reason)) return `the certificate of ${name} is not trusted (${reason}): name the one that signed it with -ca`
  if (reason === 'EACCES') return `this user may not open ${name}: give the command as the user who runs the peer`
  return undefined
}

/** One line, whatever it was. */
export function unanswered(name: string, error: unknown): string {
  return mendable(name, error) ?? `no peer answers at ${name} (${reasonOf(error)}); name one that runs with -url`
}

function reasonOf(error: unknown): string {
  const { cause, name, code, message } = error as NodeJS.ErrnoException
  const inner = cause as NodeJS.ErrnoException | undefined
  if (name === 'AbortError' || [name, inner?.name].includes('TimeoutError')) return 'timed out'
  return code ?? inner?.code ?? message
}
