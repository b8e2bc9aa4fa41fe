/** Messages by which configs get about and changes of them are carried through. */
import { VOTERS_PER_CLUSTER_MAX, VOTING_CLUSTERS_MAX } from '../base/config.ts'
import type { Config } from '../base/config.ts'
import type { Identity, NetworkId } from '../base/identity.ts'
import { readConfigs, writeConfigs } from './configs.ts'
import { readIdentities, readIdentity, readNetworkIdIfAny, writeIdentities, writeIdentity, writeNetworkIdIfAny } from './fields.ts'
import type { MessageRows } from './message-rows.ts'

export type ConfigMessage =
  /**
   * Asks for the configs from this epoch on; from 0 when the asker has none. Answered by the oldest
   * of them that one message carries.
   */
  | { readonly kind: 'configs-wanted'; readonly networkId: NetworkId | undefined; readonly since: number }
  | { readonly kind: 'configs'; readonly configs: readonly Config[] }
  /** Asks a voter of the next set which old voters' lists it holds durably. */
  | { readonly kind: 'covered-wanted'; readonly epoch: number }
  | { readonly kind: 'covered'; readonly epoch: number; readonly sender: Identity; readonly sources: readonly Identity[] }

/** All voters of a config. */
const SOURCES_MAX = VOTERS_PER_CLUSTER_MAX * VOTING_CLUSTERS_MAX

export const CONFIG: MessageRows<ConfigMessage> = {
  'configs-wanted': {
    code: 6,
    way: 'votes',
    write(writer, { networkId, since }) {
      writeNetworkIdIfAny(writer, networkId)
      writer.varint(since)
    },
    read: (reader) => ({ kind: 'configs-wanted', networkId: readNetworkIdIfAny(reader), since: reader.varint() }),
  },
  configs: {
    code: 7,
    way: 'votes',
    write: (writer, { configs }) => writeConfigs(writer, configs),
    read: (reader) => ({ kind: 'configs', configs: readConfigs(reader) }),
  },
  'covered-wanted': {
    code: 19,
    way: 'votes',
    write: (writer, { epoch }) => writer.varint(epoch),
    read: (reader) => ({ kind: 'covered-wanted', epoch: reader.varint() }),
  },
  covered: {
    code: 20,
    way: 'votes',
    write(writer, { epoch, sender, sources }) {
      writer.varint(epoch)
      writeIdentity(writer, sender)
      writeIdentities(writer, sources, SOURCES_MAX)
    },
    read: (reader) => ({
      kind: 'covered',
      epoch: reader.varint(),
      sender: readIdentity(reader),
      sources: readIdentities(reader, SOURCES_MAX),
    }),
  },
}
