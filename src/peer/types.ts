/** The one list of the further types of data that a peer has beside write-once keys. */
import type { TypeDefinition } from '../../protocols/data-type.ts'
import { LOG_LIMITS } from '../../protocols/log/limits.ts'
import { logsType } from '../../protocols/log/type.ts'
import { setsType } from '../../protocols/sets/definition.ts'
import { REGISTERS_TYPE } from '../../protocols/registers/type.ts'
import type { Settings } from '../settings/settings.ts'
import { isElement } from '../transit/documents.ts'

/** As the settings want them, in the order in which a peer hands things to them. */
export function furtherTypes({ lww, setAheadMs, setHistoryMs, minPeers, logCheckMs }: Settings): readonly TypeDefinition[] {
  // What has a port of its own is as it was in the system that had it: nothing is forgotten, unless
  // that is wished.
  const wholeHistory = new Set(setHistoryMs === undefined ? lww.map(({ set }) => set) : [])
  const history = setHistoryMs === undefined ? {} : { historyMs: setHistoryMs === 'off' ? undefined : setHistoryMs }
  const logs = logsType(minPeers, { ...LOG_LIMITS, checkEveryMs: logCheckMs })
  return [setsType({ aheadMs: setAheadMs, wholeHistory, isElement, ...history }), REGISTERS_TYPE, logs]
}
