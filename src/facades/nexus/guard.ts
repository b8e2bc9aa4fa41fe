/**
 * One call, from its arrival until its client has the answer or is gone: whether it may be served,
 * and what it counts for. What stands before every route of HTTP stands here too: names and pages,
 * tokens, rates, bounds, the audit.
 */
import type * as Grpc from '@grpc/grpc-js'
import type { HttpContext } from '../../http/context.ts'
import type { Client } from '../../http/clients.ts'
import { sourceOf } from '../../http/client-address.ts'
import type { Flow } from '../../http/flows.ts'
import { FAULTS, lackOf } from '../../http/authorize.ts'
import { overRate } from '../../http/rates.ts'
import type { RefusalKind } from '../../http/refusal-metrics.ts'
import { grantedEvent } from '../../http/refusals.ts'
import type { Scope } from '../../http/route.ts'
import type { AuditedRequest } from '../../security/audit.ts'
import type { Grant } from '../../security/grant.ts'
import type { RateLimit } from '../../security/rate.ts'
import { foreignPage, misdirection } from '../../security/site.ts'
import type { Arrivals } from './arrivals.ts'
import type { CallConnection } from './connections.ts'
import { scopeOf } from './messages.ts'
import type { DataResponse } from './messages.ts'
import { CODE, httpStatusOf, refusal, statusOf } from './refusals.ts'
import type { Refusal } from './refusals.ts'

/** Answers up to this size are few enough by the number of calls. */
const UNCOUNTED_BYTES_MAX = 8_192

export interface GuardInit {
  readonly grpc: Pick<typeof Grpc, 'Metadata'>
  readonly context: HttpContext
  readonly rate: RateLimit | undefined
  readonly arrivals: Arrivals
  /** The path that its prefixes must open for a token, as of HTTP. */
  readonly standsFor: string
  /** Of everybody who can connect at all; undefined where each call shows what it may. */
  readonly grant: Grant | undefined
  readonly isSecure: boolean
  /** @param end the other end of a connection, as `ADDRESS:PORT` */
  readonly connectionOf: (end: string) => CallConnection | undefined
  /** Ends of calls that go on for as long as their clients like. */
  readonly endless: Set<() => void>
  readonly isClosing: () => boolean
}

export class GuardedCall implements Grpc.Responder {
  readonly #init: GuardInit
  readonly #call: Grpc.ServerInterceptingCallInterface
  readonly #path: string
  readonly #scope: Scope
  readonly #isStream: boolean
  readonly #startedAtMs: number
  #connection: CallConnection | undefined
  #client: Client | undefined
  #grant: Grant | undefined
  #isCounted = false
  #bodyBytes = 0
  #answerBytes = 0
  #arrived: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  #flow: Flow | undefined
  /** Undefined until there is an answer. */
  #code: number | undefined
  #isRefused = false
  #isOver = false
  readonly #end = (): void => this.#refuse(refusal('not-ready', 'This peer is shutting down.'))

  constructor(init: GuardInit, { path, requestStream, responseStream }: MethodShape, call: Grpc.ServerInterceptingCallInterface) {
    this.#init = init
    this.#call = call
    this.#path = path
    this.#scope = scopeOf(path)
    this.#isStream = requestStream || responseStream
    this.#startedAtMs = init.context.clock.nowMs()
  }

  readonly start = (next: (listener?: Grpc.ServerListener) => void): void =>
    next({
      onReceiveMetadata: (metadata, goOn) => {
        this.#enter(metadata, () => goOn(metadata)).catch((error: unknown) => {
          this.#init.context.logger.error({ err: error, path: this.#path }, 'a call failed by a mistake of ours')
          this.#refuse(refusal('internal', 'This peer made a mistake; its log says more.'))
        })
      },
      onReceiveMessage: (message: { readonly data?: Uint8Array }, goOn) => this.#receive(message.data?.length ?? 0, () => goOn(message)),
      onCancel: () => this.#close(),
    })

  readonly sendMessage = (message: Partial<DataResponse>, next: (message: unknown) => void): void => {
    const bytes = (message.resData?.length ?? 0) + (message.reqData?.length ?? 0)
    if (bytes > UNCOUNTED_BYTES_MAX && !this.#holdAnswer(bytes))
      return this.#refuse(refusal('overloaded', 'Too many bytes of answers are under way.'))
    next(message)
  }

  readonly sendStatus = (status: StatusGiven, next: (status: StatusGiven) => void): void => {
    this.#code ??= status.code
    if (!this.#isRefused) next(status)
  }

  async #enter(metadata: Grpc.Metadata, goOn: () => void): Promise<void> {
    const { context, connectionOf } = this.#init
    const connection = connectionOf(this.#call.getPeer())
    // It is gone by now.
    if (connection === undefined) return this.#refuse(refusal('unavailable', 'The connection is gone.'))
    const headers = { 'x-forwarded-for': textOf(metadata, 'x-forwarded-for') }
    const client = context.clients.ofRequest({ socket: connection.socket, headers })
    this.#connection = connection
    this.#client = client
    connection.begin()
    if (this.#init.isClosing()) return this.#end()
    this.#isCounted = context.load.take(this.#isStream ? 'waits' : 'requests', client.share, 1)
    if (!this.#isCounted) return this.#refuse(refusal('overloaded', 'Too many requests are in flight. Nothing of this one has begun.'))
    if (!this.#mayEnter(metadata) || !(await this.#isWithinRate(metadata, client)) || !this.#may(metadata)) return
    if (this.#isStream) {
      this.#init.endless.add(this.#end)
      return goOn()
    }
    this.#arrived = this.#init.arrivals.add(sourceOf(client.address), () => this.#read(goOn))
  }

  /** By whose name, and from whose page. */
  #mayEnter(metadata: Grpc.Metadata): boolean {
    const { context, grant, isSecure } = this.#init
    if (grant !== undefined) return true
    const host = this.#call.getHost()
    const misdirected = isSecure ? undefined : misdirection(context.site, host)
    if (misdirected !== undefined) {
      context.metrics.refusals.misdirected += 1
      this.#refuse(refusal('misdirected', misdirected))
      return false
    }
    const page = { host, origin: textOf(metadata, 'origin'), 'sec-fetch-site': textOf(metadata, 'sec-fetch-site') }
    const foreign = foreignPage(context.site, 'POST', page)
    if (foreign === undefined) return true
    context.metrics.refusals['foreign-page'] += 1
    this.#refuse(refusal('forbidden', foreign))
    return false
  }

  async #isWithinRate(metadata: Grpc.Metadata, { address }: Client): Promise<boolean> {
    const { context, rate, grant: given } = this.#init
    if (rate === undefined || this.#scope === 'none' || given?.proof === 'socket') return true
    const detail = await overRate(context, rate, address, textOf(metadata, 'authorization'))
    if (detail === undefined) return true
    this.#refuse(refusal('too-many-requests', detail))
    return false
  }

  /** By what it shows. */
  #may(metadata: Grpc.Metadata): boolean {
    const scope = this.#scope
    if (scope === 'none') return true
    const { context, standsFor } = this.#init
    const grant = this.#init.grant ?? context.credentials.grantOf(textOf(metadata, 'authorization'))
    if (typeof grant === 'string') return this.#challenge(`token-${grant}`, FAULTS[grant])
    const lack = lackOf(grant, scope, () => standsFor)
    if (lack === undefined) {
      this.#grant = grant
      return true
    }
    // A token could do what a call without one may not.
    if (grant.proof === 'none' && context.credentials.isAsked) return this.#challenge('token-missing', FAULTS.missing)
    this.#tellRefused(lack.kind, grant)
    this.#refuse(refusal('forbidden', lack.detail))
    return false
  }

  #challenge(kind: RefusalKind, detail: string): false {
    this.#tellRefused(kind, undefined)
    this.#refuse(refusal('unauthorized', detail))
    return false
  }

  #tellRefused(kind: RefusalKind, shown: Grant | undefined): void {
    const { context } = this.#init
    context.metrics.refusals[kind] += 1
    const address = this.#client?.address ?? ''
    this.#code = kind === 'scope' || kind === 'prefix' ? CODE.permissionDenied : CODE.unauthenticated
    context.audit.recordRefusal(sourceOf(address), { event: 'credential-refused', kind, ...this.#audited(shown) })
  }

  /** Its message is read from now on, and must come in time. */
  #read(goOn: () => void): void {
    const { context } = this.#init
    this.#timer = setTimeout(
      () => this.#refuse(refusal('body-timeout', 'The message did not arrive in time. Nothing of it has begun.')),
      context.bodyTimeoutMs,
    ).unref()
    this.#judge((socket) => socket.bytesRead, 'body')
    goOn()
  }

  #receive(bytes: number, goOn: () => void): void {
    if (this.#isRefused) return
    const { load } = this.#init.context
    this.#endReading()
    const { share } = this.#client as Client
    if (!load.take('bodyBytes', share, bytes))
      return this.#refuse(refusal('overloaded', 'Too many bytes of requests are held. Nothing of this one has begun.'))
    this.#bodyBytes = bytes
    goOn()
  }

  #endReading(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#arrived?.()
    this.#arrived = undefined
    this.#judge(undefined, 'body')
  }

  #holdAnswer(bytes: number): boolean {
    const { load } = this.#init.context
    const { share } = this.#client as Client
    if (!load.take('answerBytes', share, bytes)) return false
    this.#answerBytes = bytes
    this.#judge((socket) => socket.bytesWritten, 'answer')
    return true
  }

  /** Cuts the connection of a client that reads, or writes, too slowly. @param movedOf undefined: nothing moves any more */
  #judge(movedOf: ((socket: CallConnection['socket']) => number) | undefined, cut: 'body' | 'answer'): void {
    const { flows, metrics } = this.#init.context
    if (this.#flow !== undefined) flows.delete(this.#flow)
    const socket = this.#connection?.socket
    this.#flow = undefined
    if (movedOf === undefined || socket === undefined) return
    this.#flow = {
      get movedBytes() {
        return movedOf(socket)
      },
      cut: () => {
        metrics.cuts[cut] += 1
        socket.destroy()
      },
    }
    flows.add(this.#flow)
  }

  #refuse(refused: Refusal): void {
    if (this.#isRefused || this.#isOver) return
    this.#isRefused = true
    this.#code = refused.code
    this.#call.sendStatus(statusOf(this.#init.grpc, refused))
  }

  /** The client has its answer, or is gone. */
  #close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#endReading()
    const { context, endless } = this.#init
    endless.delete(this.#end)
    context.metrics.observe(this.#path, 'POST', httpStatusOf(this.#code), context.clock.nowMs() - this.#startedAtMs)
    const share = this.#client?.share
    if (share !== undefined) {
      if (this.#isCounted) context.load.give(this.#isStream ? 'waits' : 'requests', share, 1)
      context.load.give('bodyBytes', share, this.#bodyBytes)
      context.load.give('answerBytes', share, this.#answerBytes)
    }
    this.#connection?.end()
    this.#tellAudit()
  }

  #tellAudit(): void {
    const { audit } = this.#init.context
    const event = this.#grant === undefined ? undefined : grantedEvent(audit, this.#scope)
    if (event !== undefined) audit.record({ event, ...this.#audited(this.#grant) })
  }

  #audited(grant: Grant | undefined): AuditedRequest {
    return {
      name: grant?.name ?? null,
      proof: grant?.proof ?? 'none',
      address: this.#client?.address ?? '',
      method: 'POST',
      path: this.#path,
      status: httpStatusOf(this.#code),
    }
  }
}

type StatusGiven = Parameters<Grpc.ServerInterceptingCallInterface['sendStatus']>[0]

/** What a call is, of what the package tells. */
interface MethodShape {
  readonly path: string
  readonly requestStream: boolean
  readonly responseStream: boolean
}

/** The texts under a name, as one header; undefined where there is none. */
function textOf(metadata: Grpc.Metadata, name: string): string | undefined {
  const values = metadata.get(name)
  return values.length === 0 ? undefined : values.map(String).join(', ')
}
