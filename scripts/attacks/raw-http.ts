/** HTTP by hand, over a socket: what no client library would send, from an address of its own. */
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { pause } from './waiting.ts'

const ANSWER_MS = 10_000

/** An answer, as far as it arrived before the connection ended or time was over. */
export interface RawAnswer {
  /** 0 when there was none. */
  readonly status: number
  /** Status line and headers. */
  readonly head: string
  readonly body: string
}

/** A socket to a port of this machine, from this address; errors of it are of no interest. */
export function open(port: number, source: string): Socket {
  const socket = connect({ host: '127.0.0.1', port, localAddress: source })
  socket.on('error', () => {})
  return socket
}

/** A socket that is connected; it may have failed instead. */
export async function opened(port: number, source: string): Promise<Socket> {
  const socket = open(port, source)
  await Promise.race([once(socket, 'connect'), closed(socket)]).catch(() => {})
  return socket
}

/** Its end, whether or not in good order. */
export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.on('close', () => resolve()))
}

/**
 * Sends bytes and reads until the other end closes, or a while has passed. Ask for
 * `Connection: close`.
 */
export async function exchange(port: number, source: string, text: string | Uint8Array, waitMs: number = ANSWER_MS): Promise<RawAnswer> {
  const socket = open(port, source)
  let all = ''
  socket.setEncoding('latin1').on('data', (read: string) => (all += read))
  socket.write(text)
  await Promise.race([closed(socket), pause(waitMs)])
  socket.destroy()
  const cut = all.indexOf('\r\n\r\n')
  const head = cut < 0 ? all : all.slice(0, cut)
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0), head, body: cut < 0 ? '' : all.slice(cut + 4) }
}

/**
 * A request as text. @param lines headers, beside those that end the connection and tell the length
 */
export function requestText(method: string, path: string, lines: readonly string[], body?: string): string {
  const length = body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]
  return [`${method} ${path} HTTP/1.1`, ...lines, ...length, 'Connection: close', '', body ?? ''].join('\r\n')
}
