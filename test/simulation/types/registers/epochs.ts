/**
 * No voter answers of registers in an older epoch after a newer one (S11, for this type's own
 * messages).
 */
import type { IdentityId } from '../../../../protocols/base/identity.ts'
import { RegisterCodec } from '../../../../protocols/registers/messages.ts'
import { utf8 } from '../../../../src/bytes.ts'
import type { Send } from '../../../../src/runtime/send-gate.ts'
import { check } from '../../checkers/violation.ts'

const codec = new RegisterCodec(utf8)

export class Epochs {
  private readonly code: number
  private readonly newest = new Map<IdentityId, number>()

  /** @param code of the type's messages */
  constructor(code: number) {
    this.code = code
  }

  /** The core asks for a message to be sent. */
  sending(by: IdentityId, send: Send): void {
    const epoch = this.epochOf(send)
    const newest = this.newest.get(by) ?? -1
    check(epoch === undefined || epoch >= newest, 'S11', () => `${by} answers of a register in epoch ${epoch} after ${newest}`)
  }

  left(by: IdentityId, send: Send): void {
    const epoch = this.epochOf(send)
    if (epoch !== undefined) this.newest.set(by, Math.max(epoch, this.newest.get(by) ?? -1))
  }

  private epochOf({ message }: Send): number | undefined {
    if (message.kind !== 'typed' || message.type !== this.code) return undefined
    const told = codec.decode(message.body)
    if (told.kind !== 'reply' || told.vote.body.kind === 'stale') return undefined
    const { body } = told.vote
    return body.kind === 'seen' ? body.epoch : body.ballot.epoch
  }
}
