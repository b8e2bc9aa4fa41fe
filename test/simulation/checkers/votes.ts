/**
 * What leaves a peer must be backed by its disk at that moment, and must not take back what it said
 * before: promises only rise, also over restarts (S8); a ballot is one record's and is issued in
 * one life (S9); no reply in an older epoch after a newer one, none in an epoch whose config is not
 * on disk (S11); nothing that a crash now would turn into a lie (S13); nothing in the name of a
 * wiped store (S14).
 */
import { compareBallots, isCovered } from '../../../protocols/base/ballot.ts'
import type { Ballot } from '../../../protocols/base/ballot.ts'
import type { IdentityId, PeerId } from '../../../protocols/base/identity.ts'
import { equalRecords } from '../../../protocols/base/record.ts'
import type { Accepted } from '../../../protocols/base/record.ts'
import { configKey } from '../../../protocols/base/register.ts'
import type { RegisterKey } from '../../../protocols/base/register.ts'
import type { AnyWrite } from '../../../protocols/base/persist.ts'
import type { AcceptorReply, AcceptorRequest, Vote } from '../../../protocols/wire/agreement-messages.ts'
import { describeAccepted, describeBallot, describeIdentity, describeKey, describeReply } from '../describe.ts'
import type { Send } from '../../../src/runtime/send-gate.ts'
import type { SimulatedPeer } from '../peer.ts'
import { check } from './violation.ts'

interface Said {
  promised: Ballot | undefined
  /** Accepted in any way, and plainly. */
  committed: Ballot | undefined
  plainly: Ballot | undefined
  /**
   * The last epoch that an answer was given in, and the last of those whose acceptances were let go
   * of with the vote.
   */
  epoch: number
  droppedEpoch: number
}

interface Issued {
  readonly key: RegisterKey
  readonly boot: number
}

export class Votes {
  private readonly said = new Map<string, Said>()
  private readonly epochs = new Map<IdentityId, number>()
  private readonly issued = new Map<string, Issued>()
  /** The register of each question, by asker and number: an answer does not name it. */
  private readonly questions = new Map<PeerId, Map<number, RegisterKey>>()
  checkedCount = 0

  /** A message leaves the peer. @throws Violation */
  left(peer: SimulatedPeer, { message, to }: Send): void {
    if (message.kind === 'reply') {
      this.replied(peer, message.vote)
      const key = this.questions.get(to)?.get(message.id)
      if (key !== undefined) this.told(peer, key, message.vote.body)
    } else if (message.kind === 'request' || message.kind === 'relay') {
      if (message.kind === 'request') this.remember(peer.peerId, message.id, message.body.key)
      this.asked(peer, message.body)
    } else if (message.kind === 'covered') {
      const isOwn = message.sender.id === peer.identity.id
      check(isOwn, 'S14', () => `${describeIdentity(peer.identity)} speaks as ${describeIdentity(message.sender)}`)
    }
  }

  /** A peer lost its vote and lets go of what it accepted: it may say so. */
  persisting(peer: SimulatedPeer, write: AnyWrite): void {
    if (write.kind !== 'accepted-dropped') return
    const said = this.saidOf(peer, write.key)
    said.committed = undefined
    said.plainly = undefined
    said.droppedEpoch = said.epoch
  }

  private remember(asker: PeerId, id: number, key: RegisterKey): void {
    const questions = this.questions.get(asker)
    if (questions === undefined) this.questions.set(asker, new Map([[id, key]]))
    else questions.set(id, key)
  }

  private asked(peer: SimulatedPeer, body: AcceptorRequest): void {
    if (body.kind === 'read') return
    const { ballot, key } = body
    const isOwn = ballot.by.id === peer.identity.id
    if (!isOwn) return
    const name = `${ballot.epoch}.${ballot.round}.${ballot.by.id}`
    const before = this.issued.get(name)
    if (before === undefined) this.issued.set(name, { key, boot: peer.boots })
    const isSame = before === undefined || (before.key === key && before.boot === peer.boots)
    check(isSame, 'S9', () => `${describeBallot(ballot)} is issued again, for ${describeKey(key)} after ${describeKey(before?.key ?? key)}`)
    const ceiling = peer.disk.ceilingSynced
    check(
      isCovered(ballot, ceiling),
      'S13',
      () => `${describeBallot(ballot)} is issued above the ceiling on disk, ${ceiling.epoch}.${ceiling.round}`,
    )
  }

  private replied(peer: SimulatedPeer, { sender, body }: Vote): void {
    this.checkedCount += 1
    const who = describeIdentity(peer.identity)
    check(sender.id === peer.identity.id, 'S14', () => `${who} votes as ${describeIdentity(sender)}`)
    const epoch = epochOf(body)
    if (epoch === undefined) return
    this.epochs.set(sender.id, Math.max(epoch, this.epochs.get(sender.id) ?? -1))
    const isInstalled = peer.disk.readSynced(configKey(epoch))?.chosen !== undefined
    check(isInstalled, 'S11', () => `${who} says ${describeReply(body)} before config ${epoch} is on its disk`)
    if (body.kind === 'promised') {
      const { ballot } = body
      const ceiling = peer.disk.ceilingSynced
      check(isCovered(ballot, ceiling), 'S13', () => `${who} promised ${describeBallot(ballot)} above the ceiling on its disk`)
    }
  }

  /**
   * The acceptor answers about a register. What it says now must be no less than what anybody was
   * told before; what it said and nobody was told may still be overtaken, as on a slow line.
   *
   * @throws Violation
   */
  answering(peer: SimulatedPeer, { message, to }: Send): void {
    const key = message.kind === 'reply' ? this.questions.get(to)?.get(message.id) : undefined
    if (message.kind !== 'reply' || key === undefined) return
    const { body } = message.vote
    const epoch = epochOf(body) ?? Number.POSITIVE_INFINITY
    const newest = this.epochs.get(peer.identity.id) ?? -1
    check(epoch >= newest, 'S11', () => `${describeIdentity(peer.identity)} says ${describeReply(body)} after a reply of epoch ${newest}`)
    if (body.kind !== 'promised' && !isAcceptance(body) && body.kind !== 'seen') return
    const said = this.saidOf(peer, key)
    said.epoch = Math.max(said.epoch, epochOf(body) ?? -1)
    const { promised, committed, plainly } = said
    const about = (): string => `${describeIdentity(peer.identity)} says ${describeReply(body)} of ${describeKey(key)}`
    if (body.kind !== 'seen' && promised !== undefined) {
      check(compareBallots(body.ballot, promised) >= 0, 'S8', () => `${about()} after ${describeBallot(promised)}`)
    }
    if (isAcceptance(body) || committed === undefined) return
    const { accepted } = body
    const isPlain = accepted?.home === undefined || plainly === undefined || compareBallots(accepted.ballot, plainly) > 0
    const isTold = accepted !== undefined && compareBallots(accepted.ballot, committed) >= 0 && isPlain
    check(isTold, 'S13', () => `${about()} though it committed ${describeBallot(committed)}`)
  }

  /** An answer leaves: its disk must have what it speaks of. */
  private told(peer: SimulatedPeer, key: RegisterKey, body: AcceptorReply): void {
    if (body.kind !== 'promised' && !isAcceptance(body) && body.kind !== 'seen') return
    const said = this.saidOf(peer, key)
    // What was accepted was let go of with the vote, in one write with the accepting: the answer
    // was true all the same.
    if ((epochOf(body) ?? 0) <= said.droppedEpoch) return
    const about = (): string => `${describeIdentity(peer.identity)} says ${describeReply(body)} of ${describeKey(key)}`
    if (body.kind !== 'seen') said.promised = higher(said.promised, body.ballot)
    if (isAcceptance(body)) {
      this.checkBacked(peer, key, body, about)
      said.committed = higher(said.committed, body.ballot)
      if (body.kind === 'committed') said.plainly = higher(said.plainly, body.ballot)
    } else if (body.accepted !== undefined) this.checkAccepted(peer, key, body.accepted, about)
  }

  private saidOf(peer: SimulatedPeer, key: RegisterKey): Said {
    const name = `${peer.identity.id} ${key}`
    let said = this.said.get(name)
    if (said === undefined)
      this.said.set(name, (said = { promised: undefined, committed: undefined, plainly: undefined, epoch: -1, droppedEpoch: -1 }))
    return said
  }

  private checkBacked(peer: SimulatedPeer, key: RegisterKey, { kind, ballot }: Acceptance, about: () => string): void {
    const state = peer.disk.readSynced(key)
    const above = state?.accepted === undefined ? -1 : compareBallots(state.accepted.ballot, ballot)
    const isThere = state?.chosen !== undefined || above > 0 || (above === 0 && (kind === 'taken' || state?.accepted?.home === undefined))
    check(isThere, 'S13', () => `${about()}, but its disk has ${describeAccepted(state?.accepted)}`)
  }

  private checkAccepted(peer: SimulatedPeer, key: RegisterKey, accepted: Accepted, about: () => string): void {
    const state = peer.disk.readSynced(key)
    const onDisk = state?.accepted
    const isThere = state?.chosen !== undefined || (onDisk !== undefined && compareBallots(onDisk.ballot, accepted.ballot) >= 0)
    const isSame =
      onDisk === undefined || compareBallots(onDisk.ballot, accepted.ballot) !== 0 || equalRecords(onDisk.record, accepted.record)
    const isPlain = onDisk?.home === undefined || accepted.home !== undefined || compareBallots(onDisk.ballot, accepted.ballot) !== 0
    check(isThere && isSame && isPlain, 'S13', () => `${about()}, but its disk has ${describeAccepted(onDisk)}`)
  }
}

function higher(a: Ballot | undefined, b: Ballot): Ballot {
  return a !== undefined && compareBallots(a, b) > 0 ? a : b
}

type Acceptance = Extract<AcceptorReply, { readonly kind: 'committed' | 'taken' }>

function isAcceptance(body: AcceptorReply): body is Acceptance {
  return body.kind === 'committed' || body.kind === 'taken'
}

function epochOf(body: AcceptorReply): number | undefined {
  if (body.kind === 'promised' || isAcceptance(body) || body.kind === 'rejected') return body.ballot.epoch
  return body.kind === 'seen' ? body.epoch : undefined
}
