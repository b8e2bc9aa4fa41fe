/** All attacks, by the rows of the table in docs/security.md. */
import type { Attack } from './attack.ts'
import { badContentType } from './bad-content-type.ts'
import { behindProxy } from './behind-proxy.ts'
import { dhtAddresses } from './dht-addresses.ts'
import { greeting } from './greeting.ts'
import { halfOpenPuts } from './half-open-puts.ts'
import { halfSentDht } from './half-sent-dht.ts'
import { identifyAddresses } from './identify-addresses.ts'
import { idleConnections } from './idle-connections.ts'
import { idleIdentity } from './idle-identity.ts'
import { inspector } from './inspector.ts'
import { inventedProviders } from './invented-providers.ts'
import { largeRoster } from './large-roster.ts'
import { lockFile } from './lock-file.ts'
import { lyingProvider } from './lying-provider.ts'
import { oddRequests } from './odd-requests.ts'
import { pageHeaders } from './page-headers.ts'
import { pipelined } from './pipelined.ts'
import { providerRecords } from './provider-records.ts'
import { readableFiles } from './readable-files.ts'
import { silentConnections } from './silent-connections.ts'
import { unreadAnswers } from './unread-answers.ts'
import { waitingGets } from './waiting-gets.ts'
import { webPage } from './web-page.ts'

export const ATTACKS: readonly Attack[] = [
  pipelined,
  dhtAddresses,
  identifyAddresses,
  silentConnections,
  idleIdentity,
  lyingProvider,
  webPage,
  behindProxy,
  halfOpenPuts,
  waitingGets,
  unreadAnswers,
  idleConnections,
  halfSentDht,
  providerRecords,
  inventedProviders,
  readableFiles,
  inspector,
  greeting,
  oddRequests,
  badContentType,
  pageHeaders,
  largeRoster,
  lockFile,
]
