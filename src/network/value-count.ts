import type { AcceptorReply, Message } from '../../protocols/wire/messages.ts'

/** How many whole values a message carries; those of repair, which fills whoever lacks them, are not among them. */
export function valueCountOf(message: Message): number {
  switch (message.kind) {
    case 'request':
    case 'relay':
      return message.body.kind === 'commit' ? 1 : 0
    case 'reply':
      return ofReply(message.vote.body)
    case 'relayed':
      return message.votes.reduce((sum, vote) => sum + ofReply(vote.body), 0)
    case 'learn':
      return message.record === undefined ? 0 : 1
    default:
      return 0
  }
}

function ofReply(body: AcceptorReply): number {
  if (body.kind === 'chosen') return 1
  return (body.kind === 'promised' || body.kind === 'seen') && body.accepted !== undefined ? 1 : 0
}
