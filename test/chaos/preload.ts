/**
 * A preload (`--import`) that reaches into a peer from outside, so that production code needs no
 * switch for it: links that are cut, slow, lossy or say things twice, a disk that gets its
 * transactions late, a wall clock that jumps, and planted bugs.
 */
import { flushCompileCache, registerHooks } from 'node:module'
import { Libp2pNetwork } from '../../src/network/network.ts'
import { PeerService } from '../../src/peer/service.ts'
import { CONTROL_VARIABLE, PLANTED_VARIABLE, readControl } from './control.ts'
import type { Control } from './control.ts'

const LOOK_MS = 20
/**
 * By then all is compiled. What is compiled is kept for the next start here, for a peer that is
 * killed cannot do it at its end.
 */
const COMPILED_MS = 3_000
/** In production code these modules are replaced by those here, which stand in front of them. */
const REPLACED: Readonly<Record<string, string>> = {
  '/src/commit.ts': new URL('./late-commit.ts', import.meta.url).href,
  ...(process.env[PLANTED_VARIABLE]?.startsWith('register-') === true && {
    '/src/peer/registers.ts': new URL('./planted-registers.ts', import.meta.url).href,
  }),
  ...(process.env[PLANTED_VARIABLE]?.startsWith('log-') === true && {
    '/src/peer/logs.ts': new URL('./planted-logs.ts', import.meta.url).href,
  }),
  ...(process.env[PLANTED_VARIABLE] === 'answered-before-written' && {
    '/src/storage/lmdb.ts': new URL('./early-storage.ts', import.meta.url).href,
  }),
}

const path = process.env[CONTROL_VARIABLE] ?? ''
let control: Control = readControl(path)
setInterval(() => (control = readControl(path)), LOOK_MS).unref()

/** What the driver wants now. */
export function current(): Control {
  return control
}

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context)
    const place = Object.keys(REPLACED).find((end) => resolved.url.endsWith(end))
    if (place === undefined || context.parentURL?.includes('/test/chaos/') === true) return resolved
    return { ...resolved, url: REPLACED[place] ?? '' }
  },
})

function bendLinks(): void {
  // oxlint-disable-next-line typescript/unbound-method -- called on the object that it is taken over from
  const { send } = Libp2pNetwork.prototype
  Libp2pNetwork.prototype.send = function (to, message) {
    const link = control.links[to]
    if (link === undefined) return send.call(this, to, message)
    if (link.isCut || Math.random() < link.lossRate) return undefined
    const copies = Math.random() < link.duplicateRate ? 2 : 1
    for (let copy = 0; copy < copies; copy += 1) setTimeout(() => send.call(this, to, message), Math.random() * link.delayMs)
    return undefined
  }
}

function bendTime(): void {
  const { now } = Date
  Date.now = () => now() + control.wallOffsetMs
}

/** A linearizable get is answered from the peer's own copy. */
function plantMissSoldAsAbsent(): void {
  // oxlint-disable-next-line typescript/unbound-method -- called on the object that it is taken over from
  const { get } = PeerService.prototype
  PeerService.prototype.get = async function (init) {
    const outcome = await get.call(this, { ...init, consistency: 'local' })
    return outcome.kind === 'absent' || outcome.kind === 'found' ? { ...outcome, consistency: init.consistency } : outcome
  }
}

function plantInDoubtCalledNotStored(): void {
  // oxlint-disable-next-line typescript/unbound-method -- called on the object that it is taken over from
  const { put } = PeerService.prototype
  PeerService.prototype.put = async function (init) {
    const outcome = await put.call(this, init)
    return outcome.kind === 'in-doubt' && init.writeId === undefined ? { kind: 'not-stored' } : outcome
  }
}

setTimeout(() => flushCompileCache(), COMPILED_MS).unref()
bendLinks()
bendTime()
if (process.env[PLANTED_VARIABLE] === 'miss-sold-as-absent') plantMissSoldAsAbsent()
if (process.env[PLANTED_VARIABLE] === 'in-doubt-called-not-stored') plantInDoubtCalledNotStored()
