/**
 * Reading on after a refusal. Closing a connection on which bytes are still arriving resets it, and
 * the reset may overtake the answer; so what arrives is dropped for a while, and the client has
 * time to read why it was refused.
 */
import type { IncomingMessage } from 'node:http'
import type { Flow, Flows } from './flows.ts'

/** A client that sends nothing for so long has read the answer, or never will. */
const IDLE_MS = 1000
/** One that sends more than this does not look at its answer. */
const BYTES_MAX = 67_108_864

/** Drops what is left of a body, then calls back, once. */
export function discardRest(request: IncomingMessage, flows: Flows, done: () => void): void {
  let bytes = 0
  const finish = (): void => {
    clearTimeout(timer)
    flows.delete(flow)
    request.off('data', count)
    request.off('end', finish)
    request.off('close', finish)
    done()
  }
  const timer = setTimeout(finish, IDLE_MS)
  const count = (chunk: Buffer): void => {
    bytes += chunk.length
    if (bytes > BYTES_MAX) finish()
    else timer.refresh()
  }
  const flow: Flow = {
    get movedBytes() {
      return bytes
    },
    cut: finish,
  }
  flows.add(flow)
  request.on('data', count)
  request.on('end', finish)
  request.on('close', finish)
  request.resume()
}
