/** Messages, records and effects as short text, for traces that people read. */
import type { Ballot } from '../../protocols/base/ballot.ts'
import type { Identity } from '../../protocols/base/identity.ts'
import type { Accepted, ValueRecord } from '../../protocols/base/record.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import type { Home } from '../../protocols/base/units.ts'
import type { Barred, Clusters, Config } from '../../protocols/base/config.ts'
import type { AnyWrite } from '../../protocols/base/persist.ts'
import type { Outcome } from '../../protocols/effects.ts'
import type { AcceptorReply, AcceptorRequest } from '../../protocols/wire/agreement-messages.ts'
import type { Message } from '../../protocols/wire/messages.ts'

/** A peer and the first digits of its incarnation, which tell its lives apart. */
export function describeIdentity({ peerId, incarnation }: Identity): string {
  return `${peerId}/${incarnation.slice(0, 3)}`
}

export function describeKey(key: RegisterKey): string {
  return key.replace('\u0000', '')
}

export function describeBallot({ epoch, round, by }: Ballot): string {
  return `${epoch}.${round}@${describeIdentity(by)}`
}

export function describeRecord({ writeId, value, contentType }: ValueRecord): string {
  if (writeId.startsWith('config/')) return `<${writeId}>`
  return `<${writeId.slice(0, 8)} ${contentType.slice(0, 6)} ${String.fromCodePoint(...value.subarray(0, 8))}>`
}

export function describeAccepted(accepted: Accepted | undefined): string {
  if (accepted === undefined) return 'none'
  const offer = accepted.home === undefined ? '' : ` offered by ${describeHome(accepted.home)}`
  return `${describeBallot(accepted.ballot)} ${describeRecord(accepted.record)}${offer}`
}

export function describeHome(home: Home): string {
  return home.kind === 'cluster' ? home.cluster : describeIdentity(home.voter)
}

export function describeClusters(clusters: Clusters): string {
  const parts = [...clusters].map(([cluster, voters]) => `${cluster}{${voters.map((voter) => describeIdentity(voter)).join(' ')}}`)
  return parts.join(' ')
}

export function describeConfig({ epoch, clusters, next, forming, barred, nextBarred }: Config): string {
  const present = `${epoch}${forming ? ' forming' : ''} ${describeClusters(clusters)}${describeBarred(barred)}`
  return next === undefined ? present : `${present} -> ${describeClusters(next)}${describeBarred(nextBarred)}`
}

function describeBarred(barred: Barred | undefined): string {
  return barred === undefined ? '' : ` barring ${[...barred.peers, ...barred.clusters].join(' ')}`
}

export function describeRequest(body: AcceptorRequest): string {
  const key = describeKey(body.key)
  switch (body.kind) {
    case 'reserve':
      return `reserve ${key} ${describeBallot(body.ballot)}`
    case 'commit':
      return `commit ${key} ${describeBallot(body.ballot)} ${describeRecord(body.record)}`
    case 'read':
      return `read ${key} in ${body.epoch}`
    case 'offer':
      return `offer ${key} ${describeBallot(body.ballot)} ${describeRecord(body.record)} of ${describeHome(body.home)}`
  }
}

export function describeReply(body: AcceptorReply): string {
  switch (body.kind) {
    case 'promised':
      return `promised ${describeBallot(body.ballot)} holding ${describeAccepted(body.accepted)}`
    case 'rejected':
      return `rejected ${describeBallot(body.ballot)} for ${describeBallot(body.higher)}`
    case 'committed':
      return `committed ${describeBallot(body.ballot)}`
    case 'seen':
      return `seen in ${body.epoch} ${describeAccepted(body.accepted)}`
    case 'taken':
      return `taken ${describeBallot(body.ballot)}`
    case 'chosen':
      return `chosen ${describeRecord(body.record)}`
    case 'stale':
      return `stale ${body.configs.map((config) => config.epoch).join(' ')}`
  }
}

export function describeMessage(message: Message): string {
  switch (message.kind) {
    case 'request':
      return `#${message.id} ${describeRequest(message.body)}`
    case 'reply':
      return `#${message.id} ${describeReply(message.vote.body)}`
    case 'relay':
      return `#${message.id} relay to ${message.targets.map((target) => describeIdentity(target)).join(' ')}: ${describeRequest(message.body)}`
    case 'relayed': {
      const votes = message.votes.map((vote) => `${describeIdentity(vote.sender)} ${describeReply(vote.body)}`)
      return `#${message.id} relayed ${votes.join('; ')}`
    }
    case 'learn': {
      const ballot = message.ballot === undefined ? '' : ` ${describeBallot(message.ballot)}`
      return `learn ${describeKey(message.key)}${ballot} ${message.record === undefined ? 'by ballot' : describeRecord(message.record)}`
    }
    case 'want':
      return `want ${describeKey(message.key)}`
    case 'configs':
      return `configs ${message.configs.map((config) => config.epoch).join(' ')}`
    case 'covered':
      return `covered in ${message.epoch}: ${message.sources.map((source) => describeIdentity(source)).join(' ')}`
    case 'doubts':
      return `#${message.id} doubts ${message.keys.map((key) => describeKey(key)).join(' ')}`
    case 'leaves':
      return `#${message.id} leaves ${message.entries.map((entry) => entry.key).join(' ')}`
    case 'records':
      return `#${message.id} records ${message.records.map((entry) => entry.key).join(' ')}`
    case 'doubts-wanted':
    case 'hashes-wanted':
    case 'leaves-wanted':
    case 'records-wanted':
    case 'hashes':
      return `#${message.id} ${message.kind}`
    case 'rows-wanted':
      return `${message.type} ${describeMessage(message.question as Message)}`
    case 'rows-told':
      return `${message.type} ${describeMessage(message.answer as Message)}`
    default:
      return message.kind
  }
}

export function describePersist(write: AnyWrite): string {
  switch (write.kind) {
    case 'accepted':
      return `accepted ${describeKey(write.key)} ${describeAccepted(write.accepted)}`
    case 'chosen':
      return `chosen ${describeKey(write.key)} ${describeRecord(write.record)}`
    case 'accepted-dropped':
      return `accepted-dropped ${describeKey(write.key)}`
    case 'diverged':
      return `diverged ${describeKey(write.key)} ${describeRecord(write.told)}`
    case 'ceiling':
      return `ceiling ${write.ceiling.epoch}.${write.ceiling.round}`
    case 'typed':
      return `${write.slot.type} ${write.slot.name}: ${write.rows.map(({ name, bytes }) => `${name} ${bytes?.length ?? 'gone'}`).join(', ')}`
  }
}

export function describeOutcome(outcome: Outcome): string {
  if ('record' in outcome) return `${outcome.kind} ${describeRecord(outcome.record)}`
  if ('detail' in outcome) return `${outcome.kind}: ${outcome.detail}`
  if ('epoch' in outcome) return `${outcome.kind} in ${outcome.epoch}`
  return outcome.kind
}
