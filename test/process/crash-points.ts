/**
 * A preload (`--import`) that ends a peer by -9 at a chosen point of one put, so that production
 * code needs no switch for it.
 *
 * TEST_CRASH_KEY names the key, TEST_CRASH_POINT the moment:
 * - `reserved`: a quorum has promised, and no commit was sent to anybody;
 * - `one-commit`: one voter beside itself has the commit on disk, and nobody else was sent it;
 * - `committed`: a quorum has committed, and nobody was told.
 */
/* oxlint-disable typescript/unbound-method -- every method taken here is called with the object it belongs to */
import { dataKey } from '../../protocols/base/register.ts'
import { Polls } from '../../protocols/agreement/polls.ts'
import { Spread } from '../../protocols/keys/spread.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { Libp2pNetwork } from '../../src/network/network.ts'

export const CRASH_POINTS = ['reserved', 'one-commit', 'committed'] as const
export type CrashPoint = (typeof CRASH_POINTS)[number]

const point = process.env['TEST_CRASH_POINT']
const key = dataKey(process.env['TEST_CRASH_KEY'] ?? '')

function crash(): never {
  process.kill(process.pid, 'SIGKILL')
  // The signal ends the process before it returns here, or at the next turn at the latest.
  throw new Error('killed')
}

function isCommit(message: Message): boolean {
  return (message.kind === 'request' || message.kind === 'relay') && message.body.kind === 'commit' && message.body.key === key
}

function crashWhenReserved(): void {
  const { ask } = Polls.prototype
  Polls.prototype.ask = function (body, quorum, listener) {
    if (body.kind === 'commit' && body.key === key) crash()
    return ask.call(this, body, quorum, listener)
  }
}

function crashAfterOneCommit(): void {
  const { send } = Libp2pNetwork.prototype
  const { vote } = Polls.prototype
  let isSent = false
  Libp2pNetwork.prototype.send = function (to, message) {
    if (!isCommit(message)) return send.call(this, to, message)
    if (isSent || message.kind !== 'request') return undefined
    isSent = true
    return send.call(this, to, message)
  }
  Polls.prototype.vote = function (id, incoming) {
    // Its own vote comes too, when its disk is faster.
    if (incoming.body.kind === 'committed' && isSent && incoming.sender.id !== this['self'].id) crash()
    return vote.call(this, id, incoming)
  }
}

function crashWhenCommitted(): void {
  const { tellAll } = Spread.prototype
  Spread.prototype.tellAll = function (told, record, ballot) {
    if (told === key) crash()
    return tellAll.call(this, told, record, ballot)
  }
}

if (point === 'reserved') crashWhenReserved()
if (point === 'one-commit') crashAfterOneCommit()
if (point === 'committed') crashWhenCommitted()
