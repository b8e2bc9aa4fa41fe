/**
 * A place where clients come in. Each is a server of Node's with our limits on time and size; the
 * app, what is counted and who is connected are shared by all of them.
 */
import { once } from 'node:events'
import { createServer, STATUS_CODES } from 'node:http'
import type { Server, ServerOptions } from 'node:http'
import { createServer as createTlsServer, Server as TlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Grant } from '../security/grant.ts'
import type { TlsMaterial } from '../security/tls-files.ts'
import type { HttpApp } from './app.ts'
import { COMMON_HEADERS } from './answers.ts'
import { Connection } from './connection.ts'
import { problem } from './problems.ts'
import type { ProblemName } from './problems.ts'
import { pairHandshakes, tlsOptions } from './secured.ts'
import type { Sockets } from './sockets.ts'

const KEEP_ALIVE_MS = 75_000
const HEADERS_TIMEOUT_MS = 30_000
/**
 * Longer than a body may take, which is told by a better answer: this one is for bodies that are
 * read only to be dropped.
 */
const WHOLE_REQUEST_TIMEOUT_MS = 65_000
/**
 * A key of 1,024 bytes takes 3,072 when each is escaped; far longer ones are still to be told that
 * they are bad keys.
 */
const HEADER_BYTES_MAX = 32_768

/** Where to listen: on an address, where the port 0 is a free port, or as a socket file. */
export type ListenAddress = { readonly host: string; readonly port: number } | { readonly path: string }

/** Where a listener can be reached, and the port by itself; 0 for a socket file. */
export interface Bound {
  readonly url: string
  readonly port: number
}

/** How clients come in. */
export interface Entrance {
  /** Undefined for HTTP without TLS. */
  readonly tls: TlsMaterial | undefined
  /**
   * What everybody may who can connect at all; undefined where each request has to show what it
   * may.
   */
  readonly grant: Grant | undefined
}

/** A server of Node's whose requests go to the app. */
export function createListener(app: HttpApp, sockets: Sockets, { tls, grant }: Entrance): Server {
  const server = tls === undefined ? createServer(SERVER_OPTIONS) : createTlsServer({ ...SERVER_OPTIONS, ...tlsOptions(tls) })
  // Headers past a number that Node sets would be dropped in silence; the bytes of all of them are
  // bounded.
  server.maxHeadersCount = 0
  // A client that has sent everything may say so and wait for its answer (RFC 9112, 9.6).
  ;(server as { httpAllowHalfOpen?: boolean }).httpAllowHalfOpen = true
  server.on('connection', () => app.context.turns.accepted())
  if (tls === undefined) admitPlain(server, app, sockets)
  else
    pairHandshakes(
      server,
      (raw) => sockets.admit(raw),
      (secured, raw) => sockets.watch(Connection.of(secured), raw),
    )
  server.on('request', (request, response) => app.handle(request, response, grant))
  // Without this Node would send the 100 before anything could be refused.
  server.on('checkContinue', (request, response) => app.handle(request, response, grant))
  server.on('checkExpectation', (request, response) => app.refuseExpectation(request, response))
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => refuseConnection(app, error, socket))
  return server
}

function admitPlain(server: Server, app: HttpApp, sockets: Sockets): void {
  server.on('connection', (socket: Socket) => {
    if (sockets.admit(socket)) sockets.watch(Connection.of(socket), socket)
    else refuse(app, socket, 'overloaded', 'Too many connections are open. Nothing of this request has begun.')
  })
}

const SERVER_OPTIONS: ServerOptions = {
  keepAliveTimeout: KEEP_ALIVE_MS,
  headersTimeout: HEADERS_TIMEOUT_MS,
  requestTimeout: WHOLE_REQUEST_TIMEOUT_MS,
  maxHeaderSize: HEADER_BYTES_MAX,
  // A missing Host is answered by us, as a problem.
  requireHostHeader: false,
  noDelay: true,
}

/**
 * Starts to accept connections. @throws the system's error when the address cannot be had; its
 * `code` tells (`EADDRINUSE`)
 */
export async function listen(server: Server, address: ListenAddress): Promise<Bound> {
  server.listen(address)
  await once(server, 'listening')
  if ('path' in address) return { url: `unix:${address.path}`, port: 0 }
  const bound = server.address() as AddressInfo
  const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address
  const scheme = server instanceof TlsServer ? 'https' : 'http'
  return { url: `${scheme}://${host}:${bound.port}`, port: bound.port }
}

const PARSE_PROBLEMS: Readonly<Record<string, readonly [ProblemName, string]>> = {
  HPE_HEADER_OVERFLOW: ['headers-too-large', `The request line and headers may have at most ${HEADER_BYTES_MAX} bytes together.`],
  HPE_INVALID_URL: ['bad-request', 'The request target contains a character that must be percent-encoded.'],
  HPE_INVALID_TRANSFER_ENCODING: ['unsupported-coding', 'The only transfer coding is "chunked", by itself: values are kept as they are.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['body-timeout', 'The request did not arrive in time.'],
}

/**
 * Answers what cannot be read as a request. Never in the place of another answer: with a request
 * pending on the connection whose body had arrived, the client would take the refusal for its
 * outcome, so the connection is cut without a word.
 */
function refuseConnection(app: HttpApp, error: NodeJS.ErrnoException, socket: Socket): void {
  const { unansweredCount, first } = Connection.of(socket)
  // A handshake that fails has no way to tell anything in HTTP.
  const isHandshake = error.code?.startsWith('ERR_SSL') === true || error.code?.startsWith('ERR_TLS') === true
  const isLost = !socket.writable || error.code === 'ECONNRESET' || isHandshake
  // It has its answer already, which may not be on its way yet.
  if (!isLost && unansweredCount === 1 && first?.response.headersSent === true) return socket.destroySoon()
  const isPending = unansweredCount > 1 || first?.request.complete === true
  if (isLost || isPending) return void socket.destroy()
  const [name, detail] = PARSE_PROBLEMS[error.code ?? ''] ?? ['bad-request', 'This could not be read as an HTTP request.']
  refuse(app, socket, name, detail)
}

/** Answers without a request, and ends the connection. */
function refuse(app: HttpApp, socket: Socket, name: ProblemName, detail: string): void {
  const { status, headers, body } = problem(name, detail)
  headers.push('Date', app.context.dates.now(), ...COMMON_HEADERS, 'Connection', 'close')
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`
  for (let index = 0; index < headers.length; index += 2) head += `${headers[index]}: ${headers[index + 1]}\r\n`
  socket.end(`${head}\r\n${body as string}`, () => socket.destroySoon())
}
