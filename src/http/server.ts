/** The app on a socket: limits, connections that speak no HTTP, and an orderly end. */
import { once } from 'node:events'
import { createServer, STATUS_CODES } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as setTimeoutAsync } from 'node:timers/promises'
import { createHttpApp } from './app.ts'
import type { HttpApp, HttpInit } from './app.ts'
import { Connection } from './connection.ts'
import { problem } from './problems.ts'
import type { ProblemName } from './problems.ts'

const KEEP_ALIVE_MS = 75_000
const HEADERS_TIMEOUT_MS = 30_000
/** Longer than a body may take, which is told by a better answer: this one is for bodies that are read only to be dropped. */
const WHOLE_REQUEST_TIMEOUT_MS = 65_000
/** A key of 1,024 bytes takes 3,072 when each is escaped; far longer ones are still to be told that they are bad keys. */
const HEADER_BYTES_MAX = 32_768
/** Idle connections cost memory too. */
const CONNECTIONS_MAX = 10_000

/** Between looks at whether the requests that were begun are over. */
const DRAIN_LOOK_MS = 20

export interface Bound {
  readonly url: string
  readonly port: number
}

export interface HttpServer {
  /** The app, which also works without the socket. */
  readonly app: HttpApp
  /**
   * Starts to accept connections.
   *
   * @param address the port 0 is a free port
   * @returns where it can be reached, and the port by itself
   * @throws the system's error when the address cannot be had; its `code` tells (`EADDRINUSE`)
   */
  listen(address: { readonly host: string; readonly port: number }): Promise<Bound>
  /**
   * Waits for the requests that were begun, then closes everything. Begins no further ones: those are told that the peer is not
   * ready, as `/readyz` is, and every answer from now on ends its connection.
   *
   * @param graceMs the longest to wait; what is not finished by then is cut off
   */
  close(graceMs: number): Promise<void>
}

export function createHttpServer(init: HttpInit): HttpServer {
  const app = createHttpApp(init)
  const sockets = new Set<Socket>()
  const server = createBareServer(app, sockets)
  return {
    app,
    listen: (address) => listen(server, address),
    close: (graceMs) => close(server, app, sockets, graceMs),
  }
}

function createBareServer(app: HttpApp, sockets: Set<Socket>): Server {
  const server = createServer({
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: WHOLE_REQUEST_TIMEOUT_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
    // A missing Host is answered by us, as a problem.
    requireHostHeader: false,
    noDelay: true,
  })
  server.maxConnections = CONNECTIONS_MAX
  server.on('request', (request, response) => app.handle(request, response))
  // Without this Node would send the 100 before anything could be refused.
  server.on('checkContinue', (request, response) => app.handle(request, response))
  server.on('checkExpectation', (request, response) => app.refuseExpectation(request, response))
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => refuseConnection(app, error, socket))
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return server
}

async function listen(server: Server, address: { readonly host: string; readonly port: number }): Promise<Bound> {
  server.listen(address.port, address.host)
  await once(server, 'listening')
  const bound = server.address() as AddressInfo
  const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address
  return { url: `http://${host}:${bound.port}`, port: bound.port }
}

async function close(server: Server, app: HttpApp, sockets: ReadonlySet<Socket>, graceMs: number): Promise<void> {
  app.context.closing = true
  if (!server.listening) return
  const begunAtMs = performance.now()
  // Whoever asks meanwhile is told that this peer goes, which says more than a refused connection.
  while (app.context.load.requests > 0 && performance.now() - begunAtMs < graceMs) await setTimeoutAsync(DRAIN_LOOK_MS)
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  const closeIdle = (): void => {
    // Node takes a connection that never sent anything for a busy one.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
    server.closeIdleConnections()
  }
  closeIdle()
  // An answer whose head was sent before the end began did not say that its connection ends, and leaves it idle.
  const sweep = setInterval(closeIdle, 50)
  const cut = setTimeout(() => server.closeAllConnections(), Math.max(0, graceMs - (performance.now() - begunAtMs)))
  await promise
  clearInterval(sweep)
  clearTimeout(cut)
}

const PARSE_PROBLEMS: Readonly<Record<string, readonly [ProblemName, string]>> = {
  HPE_HEADER_OVERFLOW: ['headers-too-large', `The request line and headers may have at most ${HEADER_BYTES_MAX} bytes together.`],
  HPE_INVALID_URL: ['bad-request', 'The request target contains a character that must be percent-encoded.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['body-timeout', 'The request did not arrive in time.'],
}

/**
 * Answers what cannot be read as a request. Never in the place of another answer: with a request pending on the connection
 * whose body had arrived, the client would take the refusal for its outcome, so the connection is cut without a word.
 */
function refuseConnection(app: HttpApp, error: NodeJS.ErrnoException, socket: Socket): void {
  const { unansweredCount, first } = Connection.of(socket)
  const isPending = unansweredCount > 1 || (first !== undefined && (first.request.complete || first.response.headersSent))
  if (!socket.writable || error.code === 'ECONNRESET' || isPending) return void socket.destroy()
  const [name, detail] = PARSE_PROBLEMS[error.code ?? ''] ?? ['bad-request', 'This could not be read as an HTTP request.']
  const { status, headers, body } = problem(name, detail)
  headers.push('Date', app.context.dates.now(), 'Connection', 'close')
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`
  for (let index = 0; index < headers.length; index += 2) head += `${headers[index]}: ${headers[index + 1]}\r\n`
  socket.end(`${head}\r\n${body as string}`, () => socket.destroySoon())
}
