/**
 * A preload (`--import`) that ends a peer by -9 at a chosen point of a change of the configuration
 * that it drives.
 *
 * TEST_CHANGE_POINT names the moment:
 * - `joint`: the joint config is decided, and nobody was told;
 * - `finishing`: the new voters hold all they must, and no commit of the finished config was sent.
 */
/* oxlint-disable typescript/unbound-method -- every method taken here is called with the object it belongs to */
import { isConfigKey } from '../../protocols/base/register.ts'
import { Change } from '../../protocols/config/change.ts'
import { Polls } from '../../protocols/agreement/polls.ts'

export const CHANGE_POINTS = ['joint', 'finishing'] as const
export type ChangePoint = (typeof CHANGE_POINTS)[number]

const point = process.env['TEST_CHANGE_POINT']
/** Set once this peer has sent a commit of a config: from then on the change is its own. */
let commits = 0

function crash(): never {
  process.kill(process.pid, 'SIGKILL')
  // The signal ends the process before it returns here, or at the next turn at the latest.
  throw new Error('killed')
}

const { ask } = Polls.prototype
Polls.prototype.ask = function (body, quorum, listener) {
  if (body.kind === 'commit' && isConfigKey(body.key)) {
    commits += 1
    if (point === 'finishing' && commits === 2) crash()
  }
  return ask.call(this, body, quorum, listener)
}

const { configInstalled } = Change.prototype
Change.prototype.configInstalled = function () {
  if (point === 'joint' && commits > 0) crash()
  return configInstalled.call(this)
}
