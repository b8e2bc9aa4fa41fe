/** What every server with TLS has in common, whatever is spoken behind it. */
import type { Server, Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import type { TLSSocket, TlsOptions } from 'node:tls'
import type { TlsMaterial } from '../security/tls-files.ts'

/** From the first byte to the last of the handshake. */
const HANDSHAKE_TIMEOUT_MS = 10_000

export function tlsOptions({ cert, key, ca }: TlsMaterial): TlsOptions {
  return {
    cert,
    key,
    ...(ca !== undefined && { ca, requestCert: true, rejectUnauthorized: true }),
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  }
}

/** Has a server show another certificate from now on; connections that are open go on. */
export function renew(server: Server, { cert, key, ca }: TlsMaterial): void {
  if (server instanceof TlsServer) server.setSecureContext({ cert, key, ...(ca !== undefined && { ca }) })
}

/**
 * A connection counts from its first byte on, and is known by what it asks once the handshake is
 * done.
 *
 * @param admit lets a connection in, or not: it is closed then
 * @param begin told of the connection, and of the one below it that was let in
 */
export function pairHandshakes(server: Server, admit: (raw: Socket) => boolean, begin: (secured: TLSSocket, raw: Socket) => void): void {
  const handshaking = new Map<string, Socket>()
  server.on('connection', (raw: Socket) => {
    if (!admit(raw)) return void raw.destroy()
    const end = otherEnd(raw)
    handshaking.set(end, raw)
    raw.once('close', () => handshaking.delete(end))
  })
  server.on('secureConnection', (secured: TLSSocket) => {
    const end = otherEnd(secured)
    const raw = handshaking.get(end)
    handshaking.delete(end)
    if (raw !== undefined) begin(secured, raw)
  })
}

/** Tells the connections of one server apart for as long as they are open. */
function otherEnd({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
