/**
 * Peers of one link find one another by real multicast, in network namespaces that are made for it
 * and are gone with it.
 */
import { join } from 'node:path'
import { it } from 'node:test'
import { hindrance, passesInside } from '../chaos/namespaces.ts'

const INSIDE = join(import.meta.dirname, 'local-link.ts')
const refusal = hindrance()
const skip = refusal !== undefined && `no network namespaces can be made here: ${refusal}`

it('with -mdns on a peer joins the network on its link, and members whose addresses all changed find one another', { skip }, (context) =>
  passesInside(context.signal, [INSIDE]),
)
