/** Has the configuration changed by a peer, and waits for the end of it. */
import { setTimeout as delay } from 'node:timers/promises'
import type { ChangeRequest } from '../../protocols/base/change-request.ts'
import type { ChangeView, ConfigView } from '../ports/replicator.ts'
import { detailOf, poll, problemOf } from './asking.ts'
import type { Asked, Reply } from './asking.ts'
import { callingOf, membersOf } from './called.ts'
import { CommandFailed } from './failed.ts'
import { lossesAfter } from './losses-after.ts'
import { Progress } from './progress.ts'

/** The longest that a peer can be asked to wait. */
const WAIT_MAX_MS = 60_000
/** The shortest. */
const WAIT_MIN_MS = 100
const LOOK_MS = 500

/** How a change ended. */
export interface Changed {
  readonly epoch: number
  /** It was so already. */
  readonly isUnchanged: boolean
}

const NOTHING: ChangeRequest = { add: [], remove: [], removeCluster: undefined, force: false, withdraw: false }

/**
 * @param wanted what the request asks for
 * @param timeoutMs for all of it
 * @throws CommandFailed when it is refused, or not done in time
 */
export async function changeConfig(asked: Asked, wanted: Partial<ChangeRequest>, timeoutMs: number): Promise<Changed> {
  const request = { ...NOTHING, ...wanted }
  const deadlineMs = performance.now() + timeoutMs
  if (!request.withdraw) await tellLosses(asked, request)
  const progress = new Progress()
  const ended = new AbortController()
  const watching = watch(asked, progress, ended.signal)
  try {
    return await ask(asked, request, deadlineMs)
  } finally {
    ended.abort()
    await watching
    progress.end()
  }
}

/**
 * What one more loss will do when it is done: before it is, because afterwards it may be too late.
 */
async function tellLosses(asked: Asked, request: ChangeRequest): Promise<void> {
  const view = await asked.get<ConfigView>('/config')
  for (const told of lossesAfter(view, request)) process.stderr.write(`afterwards ${told}\n`)
}

async function ask(asked: Asked, request: ChangeRequest, deadlineMs: number): Promise<Changed> {
  for (;;) {
    const leftMs = Math.round(Math.min(Math.max(deadlineMs - performance.now(), WAIT_MIN_MS), WAIT_MAX_MS))
    const reply = await asked.post(`/config/changes?timeout=${leftMs}`, request, leftMs)
    const epoch = Number(reply.body['epoch'])
    if (reply.status === 200) return { epoch, isUnchanged: reply.body['outcome'] === 'unchanged' }
    if (reply.status === 202) return finished(asked, request, epoch, deadlineMs)
    // Nothing was begun, and there is time to ask again.
    if (problemOf(reply) === 'change-expired' && performance.now() < deadlineMs) continue
    throw new CommandFailed(refusal(reply))
  }
}

function refusal(reply: Reply): string {
  const what = problemOf(reply) === 'change-expired' ? 'nothing was changed in time' : 'the change is refused'
  return `${what}: ${detailOf(reply.body)}`
}

/**
 * The change goes on after the time of the request; it is over when the joint config has a
 * successor.
 */
async function finished(asked: Asked, request: ChangeRequest, joint: number, deadlineMs: number): Promise<Changed> {
  const look = async (): Promise<ConfigView | undefined> => {
    const view = await asked.get<ConfigView>('/config')
    return view.change === null && view.epoch > joint ? view : undefined
  }
  const view = await poll(look, LOOK_MS, deadlineMs)
  if (view === undefined) {
    throw new CommandFailed(
      `not done in time; the change to epoch ${joint + 1} goes on: replicator members shows it, replicator withdraw undoes it`,
    )
  }
  if (!isDone(request, view))
    throw new CommandFailed(`the change was undone: at epoch ${view.epoch} the configuration is not what was asked for`)
  return { epoch: view.epoch, isUnchanged: false }
}

function isDone({ add, remove, removeCluster, withdraw }: ChangeRequest, { clusters }: ConfigView): boolean {
  const voters = new Set(Object.values(clusters).flatMap((cluster) => cluster.voters.map(({ id }) => id)))
  const isGone = removeCluster === undefined || (clusters[removeCluster]?.voters ?? []).length === 0
  return withdraw || (isGone && add.every((id) => voters.has(id)) && !remove.some((id) => voters.has(id)))
}

/** Says how far the change in flight is, for as long as it is. */
async function watch(asked: Asked, progress: Progress, signal: AbortSignal): Promise<void> {
  try {
    for (;;) {
      await delay(LOOK_MS, undefined, { signal })
      const view = await asked.get<ConfigView>('/config')
      const { change } = view
      if (change !== null && !signal.aborted) progress.show(describeChange(change, callingOf(membersOf(view))), change.startedSecondsAgo)
    }
  } catch {
    // The command is at its end, or the peer is gone, which the change itself will tell.
  }
}

/** One line. @param calling what people read for a peer id */
export function describeChange({ epoch, from, to, covered, needed }: ChangeView, calling: (id: string) => string): string {
  const before = Object.values(from).flat()
  const after = Object.values(to).flat()
  const coming = after.filter((id) => !before.includes(id)).map((id) => `+${calling(id)}`)
  const going = before.filter((id) => !after.includes(id)).map((id) => `-${calling(id)}`)
  return `changing to epoch ${epoch + 1}: ${[...coming, ...going].join(' ')}, ${covered} of ${needed} voters hold all they must`
}
