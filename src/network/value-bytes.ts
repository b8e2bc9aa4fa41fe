import { unreachable } from '../../protocols/base/assert.ts'
import type { AcceptorReply, AcceptorRequest, Message } from '../../protocols/wire/messages.ts'

/** Bytes of the values that a message carries: what makes a message large. */
export function valueBytesOf(message: Message): number {
  switch (message.kind) {
    case 'request':
    case 'relay':
      return ofRequest(message.body)
    case 'reply':
      return ofReply(message.vote.body)
    case 'relayed':
      return message.votes.reduce((sum, vote) => sum + ofReply(vote.body), 0)
    case 'learn':
      return message.record?.value.length ?? 0
    case 'records':
      return message.records.reduce((sum, { record }) => sum + record.value.length, 0)
    default:
      return 0
  }
}

function ofRequest(body: AcceptorRequest): number {
  return body.kind === 'commit' ? body.record.value.length : 0
}

function ofReply(body: AcceptorReply): number {
  switch (body.kind) {
    case 'promised':
    case 'seen':
      return body.accepted?.record.value.length ?? 0
    case 'chosen':
      return body.record.value.length
    case 'rejected':
    case 'committed':
    case 'stale':
      return 0
    default:
      return unreachable(body)
  }
}
