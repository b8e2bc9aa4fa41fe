/**
 * The further types of data of a peer: whose message and whose request it is, and what each is
 * given of the peer.
 */
import { assert } from './base/assert.ts'
import { OFFERS_SINCE } from './base/config.ts'
import type { Identity, PeerId } from './base/identity.ts'
import { rowsWrite } from './base/persist.ts'
import { hiddenKey, hiddenParts } from './base/register.ts'
import type { RegisterKey } from './base/register.ts'
import type { Tables } from './base/rows.ts'
import type { DataType, TypeContext, TypeDefinition } from './data-type.ts'
import type { Keys } from './keys/keys.ts'
import type { RepairedType } from './repair/repair.ts'
import type { Handlers, Requests } from './service.ts'
import { MalformedBytes } from './wire/malformed.ts'

/** What types are given alike. */
type Shared = Omit<
  TypeContext,
  'note' | 'decide' | 'decided' | 'decidedNames' | 'rows' | 'persist' | 'send' | 'speaks' | 'isOpen' | 'answer' | 'tell' | 'pull'
>

export interface TypesContext extends Shared {
  readonly tables: Tables
  readonly keys: Pick<Keys, 'decide' | 'chosen'>
  /** Has one type pull from a peer. */
  readonly pull: (type: number, ...how: Parameters<TypeContext['pull']>) => void
}

/** The latest protocol version that a peer with these types speaks. */
export function protocolOf(types: readonly Pick<TypeDefinition, 'since'>[]): number {
  return Math.max(OFFERS_SINCE, ...types.map(({ since }) => since))
}

export class Types {
  readonly all: readonly DataType[]
  readonly byName: ReadonlyMap<string, DataType>
  readonly handles: Handlers<'typed' | 'typed-bulk' | 'typed-spare'>
  readonly requests: Requests<'typed'>
  /** Those whose rows peers repair among one another. */
  readonly repaired: readonly RepairedType[]

  constructor(definitions: readonly TypeDefinition[], context: TypesContext) {
    const types = definitions.map((definition) => ({ ...definition, type: definition.create(contextOf(definition, context)) }))
    const byCode = new Map(types.map(({ code, type }) => [code, type]))
    const byName = new Map(types.map(({ name, type }) => [name, type]))
    this.byName = byName
    assert(byCode.size === types.length && byName.size === types.length, 'two types of data go by one name or code')
    this.all = types.map(({ type }) => type)
    this.repaired = types.flatMap(({ name, code, since, type: { collection } }) =>
      collection === undefined ? [] : [{ name, code, since, collection }],
    )
    // Of a type that is not here: its sender is of a later build, and this one has no part in what
    // it means.
    const told = (from: Identity, { type, body }: { readonly type: number; readonly body: Uint8Array }): void =>
      refusing(context, from, () => byCode.get(type)?.told(from, body))
    this.handles = { typed: told, 'typed-spare': told, 'typed-bulk': told }
    this.requests = {
      typed: (request) => {
        const type = byName.get(request.type)
        assert(type !== undefined, `a request of type ${request.type}, which is not here`)
        type.asked(request)
      },
    }
  }

  /** A key that a type decides for itself was learned. */
  onHidden(key: RegisterKey, value: Uint8Array): void {
    const parts = hiddenParts(key)
    if (parts !== undefined) this.byName.get(parts.type)?.decided?.(parts.name, value)
  }
}

/**
 * Takes what a peer says to a type. One that says what no peer of this protocol writes is let go
 * of, as by the wire itself.
 */
function refusing({ self, outbox }: Pick<TypesContext, 'self' | 'outbox'>, { id, peerId }: Identity, take: () => void): void {
  try {
    take()
  } catch (error) {
    if (!(error instanceof MalformedBytes) || id === self.id) throw error
    outbox.note({ kind: 'refused', peerId, reason: error.message })
    outbox.disconnect(peerId, 'malformed message of a type')
  }
}

/** How a message goes, by what is said of it. */
const KINDS = { votes: 'typed', bulk: 'typed-bulk', spare: 'typed-spare' } as const

function contextOf({ name: type, code, since }: TypeDefinition, context: TypesContext): TypeContext {
  const { self, outbox, roster, chain, tables, keys, pull } = context
  const speaks = (peerId: PeerId): boolean => peerId === self.peerId || (roster.get(peerId)?.protocolMax ?? 0) >= since
  return {
    ...context,
    rows: tables.rows(type),
    persist: (name, rows, urgency) => outbox.persist(rowsWrite({ type, name }, rows, urgency)),
    send: (to, body, after, way = 'votes') => {
      if (speaks(to)) outbox.send(to, { kind: KINDS[way], type: code, body }, after)
    },
    speaks,
    get isOpen() {
      return (chain.current?.config.protocolMin ?? 0) >= since
    },
    answer: (client, answer, after) => outbox.answerAfter(client, { kind: 'typed', type, answer }, after),
    tell: (client, answer, after) => outbox.tell(client, { kind: 'typed', type, answer }, after),
    note: (text, isAlarm) => outbox.note({ kind: 'type-note', type, text, isAlarm }),
    pull: (source, ended) => pull(code, source, ended),
    decide: (name, value, deadlineMs, settled) => keys.decide(hiddenKey(type, name), value, deadlineMs, settled),
    decided: (name) => keys.chosen.get(hiddenKey(type, name))?.value,
    decidedNames: () =>
      keys.chosen.hiddenAtStart.map((key) => hiddenParts(key)).flatMap((parts) => (parts?.type === type ? [parts.name] : [])),
  }
}
