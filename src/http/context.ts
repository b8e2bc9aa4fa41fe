import type { Logger } from 'pino'
import type { Clock } from '../ports/clock.ts'
import type { Replicator } from '../ports/replicator.ts'
import type { Audit } from '../security/audit.ts'
import type { Credentials } from '../security/credentials.ts'
import type { SiteRules } from '../security/site.ts'
import type { Clients } from './clients.ts'
import type { Flows } from './flows.ts'
import type { HttpDates } from './dates.ts'
import type { EntityTags } from './etags.ts'
import type { Lapses } from './lapses.ts'
import type { Load } from './load.ts'
import type { HttpMetrics } from './metrics.ts'
import type { Turns } from './turns.ts'

/** What all requests share. */
export interface HttpContext {
  readonly replicator: Replicator
  readonly logger: Logger
  readonly clock: Clock
  readonly dates: HttpDates
  readonly tags: EntityTags
  readonly load: Load
  readonly clients: Clients
  readonly flows: Flows
  readonly turns: Turns
  readonly metrics: HttpMetrics
  readonly valueBytesMax: number
  /** By which names this peer is asked, and which pages may ask. */
  readonly site: SiteRules
  readonly credentials: Credentials
  readonly lapses: Lapses
  readonly audit: Audit
  /** How long a body may take to arrive. */
  readonly bodyTimeoutMs: number
  /**
   * Ends of what would go on for as long as its client likes: called when the server begins to
   * close.
   */
  readonly endless: Set<() => void>
  /** True from the moment the server began to close: every answer then ends its connection. */
  closing: boolean
  /**
   * True once the peer was ready. Before that puts are refused unread; afterwards the replicator
   * itself tells what cannot be done, since a quorum that is lost for a moment may be back before a
   * put's time is over.
   */
  wasReady: boolean
}
