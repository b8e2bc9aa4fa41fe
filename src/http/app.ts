/**
 * The HTTP interface, apart from any socket: takes a request and its response, and sees to the
 * rest.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { AddressRange } from '../settings/settings.ts'
import type { Clock } from '../ports/clock.ts'
import type { Replicator } from '../ports/replicator.ts'
import type { Logs } from '../ports/logs.ts'
import type { Registers } from '../ports/registers.ts'
import type { Feed } from '../ports/feed.ts'
import type { Sets } from '../ports/sets.ts'
import { NO_AUDIT } from '../security/audit.ts'
import type { Audit } from '../security/audit.ts'
import { Credentials } from '../security/credentials.ts'
import type { Grant } from '../security/grant.ts'
import type { RateLimit } from '../security/rate.ts'
import type { SiteRules } from '../security/site.ts'
import { Proxies } from './client-address.ts'
import { Clients } from './clients.ts'
import type { HttpContext } from './context.ts'
import { HttpDates } from './dates.ts'
import { EntityTags } from './etags.ts'
import { dispatch } from './dispatch.ts'
import { enterDoors } from './doors.ts'
import { Exchange } from './exchange.ts'
import { Flows } from './flows.ts'
import { Lapses } from './lapses.ts'
import { Load } from './load.ts'
import type { LoadInit } from './load.ts'
import { HttpMetrics } from './metrics.ts'
import { createExpressTable } from './express.ts'
import { withinRate } from './rates.ts'
import type { Route } from './route.ts'
import { allRoutes, RouteFinder } from './routes.ts'
import { Turns } from './turns.ts'

const BODY_TIMEOUT_MS = 30_000
/** The name in the metrics of every path where nothing lives. */
const OTHER_ROUTE = 'other'

export interface HttpInit {
  readonly replicator: Replicator
  /** Nothing of them is served when they are left out. */
  readonly sets?: Sets
  readonly registers?: Registers
  readonly logs?: Logs
  /** Keys as they become known; nobody can watch them when it is left out. */
  readonly feed?: Feed
  readonly logger: Logger
  /** Where the metrics of HTTP are registered, and what `/metrics` prints. */
  readonly registry: Registry
  readonly clock: Clock
  /** The largest value taken from a client. */
  readonly valueBytesMax: number
  /** By which names this peer is asked, and which pages may ask. */
  readonly site: SiteRules
  /** The tokens that clients show; nobody is asked for one when it is left out. */
  readonly credentials?: Credentials
  /** Nobody keeps one when it is left out. */
  readonly audit?: Audit
  /** How often a client may ask; as often as it likes when it is left out. */
  readonly rate?: RateLimit | undefined
  /** Of this program, for `/openapi.json`. */
  readonly version: string
  /** Proxies whose word is taken for who asks; none unless given. */
  readonly proxies?: readonly AddressRange[]
  /** Bounds that are not as usual. */
  readonly load?: LoadInit
  /** Called when another connection comes and all are taken. */
  readonly connectionsFull?: () => void
  /** How long a body may take to arrive, 30 s unless given. */
  readonly bodyTimeoutMs?: number
  /**
   * Between looks at how fast bodies and answers move, a second unless given; ten of them decide.
   */
  readonly flowLookMs?: number
}

export interface HttpApp {
  readonly context: HttpContext
  /**
   * Serves one request. @param grant of a client that has shown before what it may, as by the
   * operator socket
   */
  handle(request: IncomingMessage, response: ServerResponse, grant?: Grant): void
  /** Refuses one request whose `Expect` asks for what we do not know. */
  refuseExpectation(request: IncomingMessage, response: ServerResponse): void
}

/**
 * @param routes what it serves: all there is unless given
 * @param context what it counts in; one of its own unless given
 */
export function createHttpApp(
  init: HttpInit,
  routes: readonly Route[] = allRoutes(init),
  context: HttpContext = createContext(init),
): HttpApp {
  const finder = new RouteFinder(routes)
  const serve = createExpressTable(routes)
  const exchangeOf = (request: IncomingMessage, response: ServerResponse, route: Route | undefined, grant?: Grant): Exchange =>
    new Exchange(context, request, response, route?.path ?? OTHER_ROUTE, grant)
  return {
    context,
    handle(request, response, grant) {
      const route = finder.find(originForm(request))
      exchangeOf(request, response, route, grant).begin((exchange) => {
        if (!enterDoors(exchange, route)) return
        const goOn = (): void => (route?.isRaw === true || route?.isDirect === true ? dispatch(exchange, route) : serve(exchange))
        if (init.rate === undefined) goOn()
        else withinRate(exchange, init.rate, route, goOn)
      })
    },
    refuseExpectation(request, response) {
      exchangeOf(request, response, finder.find(originForm(request))).begin((exchange) => {
        exchange.refuse('expectation-failed', 'The only expectation that can be met is "100-continue".')
      })
    },
  }
}

function createContext(init: HttpInit): HttpContext {
  const load = new Load(init.load)
  const credentials = init.credentials ?? new Credentials(() => init.clock.wallMs())
  return {
    replicator: init.replicator,
    logger: init.logger,
    clock: init.clock,
    dates: new HttpDates(init.clock),
    tags: new EntityTags(),
    load,
    clients: new Clients(load, new Proxies(init.proxies ?? [])),
    flows: new Flows(init.flowLookMs),
    turns: new Turns(init.clock),
    metrics: new HttpMetrics(init.registry, load),
    valueBytesMax: init.valueBytesMax,
    site: init.site,
    credentials,
    lapses: new Lapses(credentials),
    audit: init.audit ?? NO_AUDIT,
    bodyTimeoutMs: init.bodyTimeoutMs ?? BODY_TIMEOUT_MS,
    endless: new Set(),
    closing: false,
    wasReady: false,
  }
}

/**
 * The path and query. A target may come with scheme and host before them, and that host counts in
 * the place of the header (RFC 9112, 3.2.2); for Express they are cut off.
 */
function originForm(request: IncomingMessage): string {
  const target = request.url ?? '/'
  if (target.charCodeAt(0) === 0x2f) return target
  const authority = target.indexOf('://')
  if (authority < 0) return target
  const path = target.indexOf('/', authority + 3)
  request.headers.host = target.slice(authority + 3, path < 0 ? undefined : path)
  request.url = path < 0 ? '/' : target.slice(path)
  return request.url
}
