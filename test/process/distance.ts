/**
 * Loaded before a peer (`node --import`), it puts clusters far apart: what a peer sends to a host
 * of the table stays on the way for half the round trip. A cluster is a host of the loopback
 * network, and connections go out from it, so that both ends know how far the other one is. Kernels
 * have queues for this, but they need rights, and not every kernel has them.
 */
import { Socket } from 'node:net'

/** Round trips in milliseconds, by host. */
export type RttsByHost = Readonly<Record<string, number>>
/**
 * The variables that tell a peer where it is, and how far from it others are: the latter as JSON.
 */
export const HOST_VARIABLE = 'DISTANCE_HOST'
export const RTTS_VARIABLE = 'DISTANCE_RTTS_MS'

type Done = (error?: Error | null) => void
/** By what every socket connects, writes and ends. */
interface Inside {
  connect: (this: Socket, ...args: unknown[]) => Socket
  _write: (this: Socket, chunk: unknown, encoding: string, done: Done) => void
  _writev: (this: Socket, chunks: unknown, done: Done) => void
  _final: (this: Socket, done: Done) => void
}

function putApart(host: string, rtts: RttsByHost): void {
  const inside = Socket.prototype as unknown as Inside
  const { connect, _write: write, _writev: writeMany, _final: end } = inside
  /** Timers of one length fire in the order in which they were set, so bytes stay in theirs. */
  const onTheWay = (socket: Socket, act: () => void): boolean => {
    const oneWayMs = (rtts[socket.remoteAddress ?? ''] ?? 0) / 2
    if (oneWayMs === 0) return false
    setTimeout(() => {
      if (!socket.destroyed) act()
    }, oneWayMs)
    return true
  }
  inside.connect = function connectFromHost(...args) {
    const options = (Array.isArray(args[0]) ? args[0][0] : args[0]) as { host?: string; localAddress?: string }
    if ((options.host ?? '') in rtts) options.localAddress = host
    return connect.apply(this, args)
  }
  // Written, for all that the sender knows: a long line takes more while the first is on its way.
  inside._write = function writeFar(chunk, encoding, done) {
    if (onTheWay(this, () => write.call(this, chunk, encoding, () => undefined))) done()
    else write.call(this, chunk, encoding, done)
  }
  inside._writev = function writeManyFar(chunks, done) {
    if (onTheWay(this, () => writeMany.call(this, chunks, () => undefined))) done()
    else writeMany.call(this, chunks, done)
  }
  inside._final = function endFar(done) {
    if (!onTheWay(this, () => end.call(this, done))) end.call(this, done)
  }
}

const host = process.env[HOST_VARIABLE]
if (host !== undefined) putApart(host, JSON.parse(process.env[RTTS_VARIABLE] ?? '{}') as RttsByHost)
