/**
 * Everything that peers say to one another: the tables of all protocols in one. `codec.ts` writes
 * it as bytes.
 *
 * All messages may be lost, repeated or reordered. A message comes with its sender's identity
 * (agreed in the greeting) and its sender's highest round (in the frame's header).
 */
import { AGREEMENT } from './agreement-messages.ts'
import type { AgreementMessage } from './agreement-messages.ts'
import { CONFIG } from './config-messages.ts'
import type { ConfigMessage } from './config-messages.ts'
import { KEYS } from './keys-messages.ts'
import type { KeysMessage } from './keys-messages.ts'
import { MEMBERSHIP } from './membership-messages.ts'
import type { MembershipMessage } from './membership-messages.ts'
import { MessageTable } from './message-rows.ts'
import { REPAIR } from './repair-messages.ts'
import type { RepairMessage } from './repair-messages.ts'
import { TYPES } from './type-messages.ts'
import type { TypeMessage } from './type-messages.ts'

export type Message = AgreementMessage | KeysMessage | ConfigMessage | MembershipMessage | RepairMessage | TypeMessage

/** The row of each message. A kind that is in no protocol's table does not compile. */
export const MESSAGE_TABLE: MessageTable<Message> = new MessageTable<Message>({
  ...AGREEMENT,
  ...KEYS,
  ...CONFIG,
  ...MEMBERSHIP,
  ...REPAIR,
  ...TYPES,
})
