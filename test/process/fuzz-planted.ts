/**
 * A preload (`--import`) that plants a fault in a peer, to be found by fuzzing: the first refusal
 * of a request ends it, or stops it for a while.
 */
import { Server } from 'node:http'
import type { ServerResponse } from 'node:http'

/** Longer than any stall that passes. */
const STALL_MS = 6_000
let hasFallen = false

/** Every server of the process hears of its answers' ends. */
// oxlint-disable-next-line typescript/unbound-method -- called on the object that it is taken over from
const { emit } = Server.prototype
Server.prototype.emit = function (this: Server, name: string, ...parameters: unknown[]): boolean {
  if (name === 'request') {
    const response = parameters[1] as ServerResponse
    response.on('finish', () => {
      if (response.statusCode >= 400 && !hasFallen) fall()
    })
  }
  return Reflect.apply(emit, this, [name, ...parameters])
}

function fall(): void {
  hasFallen = true
  if (process.env['FUZZ_PLANTED'] !== 'stall') throw new Error('a planted fault')
  const untilMs = performance.now() + STALL_MS
  while (performance.now() < untilMs);
}
