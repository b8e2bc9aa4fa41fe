/** `replicator log …`: the logs of a peer, for people and scripts. */
import { text as readText } from 'node:stream/consumers'
import type { LogCommand } from '../settings/log-commands.ts'
import { detailOf, factsOf } from './asking.ts'
import type { Asked } from './asking.ts'
import { CommandFailed } from './failed.ts'

type Of<Name extends LogCommand['name']> = Extract<LogCommand, { readonly name: Name }>

/** The longest and the shortest that a peer can be asked to try for. */
const WAIT_MAX_MS = 60_000
const WAIT_MIN_MS = 100

interface LogRow {
  readonly name: string
  readonly store: string
  readonly place: string
  readonly members: readonly { readonly peer: string; readonly role: string }[]
  readonly role: string | null
}

interface StatusRow extends LogRow {
  readonly leader: string | null
  readonly term: number
  readonly commit: number
  readonly changing: boolean
  readonly replicas: readonly {
    readonly peer: string
    readonly role: string
    readonly state: string
    readonly applied: number
    readonly lag: number
    readonly stalled: string | null
  }[]
}

/** @returns what to say */
export async function runLogCommand(command: LogCommand, asked: Asked): Promise<string[]> {
  switch (command.name) {
    case 'log ls':
      return list(command, asked)
    case 'log status':
      return status(command, asked)
    case 'log create':
      return create(command, asked)
    case 'log submit':
      return submit(command, asked)
    case 'log query':
      return query(command, asked)
    case 'log add':
      return change(command, asked, '/change', { add: [command.peerId] })
    case 'log remove':
      return change(command, asked, '/change', { remove: [command.peerId] })
    case 'log place':
      return change(command, asked, '/change', { place: command.place })
    case 'log verdict':
      return change(command, asked, '/verdict', { index: Number(command.index) })
    case 'log refill':
      return change(command, asked, '/refill', {})
    case 'log transfer':
      return change(command, asked, '/transfer', { to: command.peerId })
  }
}

async function list({ output }: Of<'log ls'>, asked: Asked): Promise<string[]> {
  const { logs } = await asked.get<{ readonly logs: readonly LogRow[] }>('/logs')
  if (output === 'json') return logs.map((log) => JSON.stringify(log))
  return logs.map(
    ({ name, store, place, members, role }) => `${name}  ${store}, ${place}, ${members.length} members, here ${role ?? 'none'}`,
  )
}

async function status({ log, output }: Of<'log status'>, asked: Asked): Promise<string[]> {
  const view = await asked.get<StatusRow>(`/logs/${log}/status`)
  if (output === 'json') return [JSON.stringify(view)]
  const { name, store, place, leader, term, commit, changing, members, replicas } = view
  const head = `${name}  ${store}, ${place}, term ${term}, committed ${commit}, led by ${leader ?? 'nobody'}`
  const silent = members.filter(({ peer }) => !replicas.some((each) => each.peer === peer))
  return [
    changing ? `${head}, members are changing` : head,
    ...replicas.map(({ peer, role, state, applied, lag, stalled }) => {
      const why = stalled === null ? '' : ` (${stalled})`
      return `${peer}  ${role}, ${state}${why}, applied ${applied}, ${lag} behind`
    }),
    ...silent.map(({ peer, role }) => `${peer}  ${role}, does not answer`),
  ]
}

async function create({ log, store, place, timeoutMs }: Of<'log create'>, asked: Asked): Promise<string[]> {
  const body = JSON.stringify({ store, ...(place !== undefined && { place }) })
  const reply = await asked.exchange(`/logs/${log}`, { method: 'PUT', body }, timeoutMs)
  if (reply.status === 201) return [`log ${log} is born`]
  if (reply.status === 200) return [`log ${log} was born so before`]
  throw new CommandFailed(detailOf(factsOf(reply.body)))
}

async function submit({ log, command, id, timeoutMs }: Of<'log submit'>, asked: Asked): Promise<string[]> {
  const body = command ?? (await readText(process.stdin))
  const headers = id === undefined ? {} : { 'Idempotency-Key': id }
  const path = `/logs/${log}?timeout=${waitOf(timeoutMs)}`
  const reply = await asked.exchange(path, { method: 'POST', body, type: 'text/plain', headers }, timeoutMs)
  return found(reply)
}

async function query({ log, query: asks, consistency, timeoutMs }: Of<'log query'>, asked: Asked): Promise<string[]> {
  const path = `/logs/${log}/query?consistency=${consistency}&timeout=${waitOf(timeoutMs)}`
  return found(await asked.exchange(path, { method: 'POST', body: asks, type: 'text/plain' }, timeoutMs))
}

async function change(
  { log, timeoutMs }: Of<'log add' | 'log remove' | 'log place' | 'log refill' | 'log transfer' | 'log verdict'>,
  asked: Asked,
  path: string,
  body: object,
): Promise<string[]> {
  const reply = await asked.exchange(`/logs/${log}${path}`, { method: 'POST', body: JSON.stringify(body) }, timeoutMs)
  if (reply.status === 200) return ['it is so already']
  if (reply.status === 202) return [`under way: replicator log status ${log} shows the end of it`]
  throw new CommandFailed(detailOf(factsOf(reply.body)))
}

/** The result, as JSON. */
function found(reply: { readonly status: number; readonly body: string }): string[] {
  const facts = factsOf(reply.body)
  if (reply.status === 200) return [JSON.stringify(facts['result'])]
  const { submitId } = facts
  const how = typeof submitId === 'string' ? ` (-id ${submitId})` : ''
  throw new CommandFailed(`${detailOf(facts)}${how}`)
}

function waitOf(timeoutMs: number): number {
  return Math.min(Math.max(timeoutMs, WAIT_MIN_MS), WAIT_MAX_MS)
}
