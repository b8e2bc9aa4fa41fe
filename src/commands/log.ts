/** `replicator log …`: the logs of a peer, for people and scripts. */
import { text as readText } from 'node:stream/consumers'
import type { Client } from '../client/client.ts'
import type { LogCommand } from '../settings/log-commands.ts'
import { detailOf, factsOf } from './asking.ts'
import type { Asked } from './asking.ts'
import { callingOf, peerIdOf } from './called.ts'
import { CommandFailed } from './failed.ts'

type Of<Name extends LogCommand['name']> = Extract<LogCommand, { readonly name: Name }>

/** The answer to `POST /logs/{name}/recover`. */
interface Recovered {
  readonly generation: number
  readonly survivor: string
  readonly replicas: readonly {
    readonly peer: string
    readonly state: string
    readonly term: number
    readonly index: number
    readonly applied: number
  }[]
}

/**
 * @param asked what operates, once
 * @param client of the same peer: what submits and reads as programs do, safely again where an
 * answer is lost
 * @returns what to say
 */
export async function runLogCommand(command: LogCommand, asked: Asked, client: Client): Promise<string[]> {
  switch (command.name) {
    case 'log ls':
      return list(command, client)
    case 'log status':
      return status(command, client)
    case 'log create':
      return create(command, asked)
    case 'log submit':
      return submit(command, client)
    case 'log query':
      return query(command, client)
    case 'log add':
      return change(command, asked, '/change', { add: [await peerIdOf(asked, command.peer)] })
    case 'log remove':
      return change(command, asked, '/change', { remove: [await peerIdOf(asked, command.peer)] })
    case 'log place':
      return change(command, asked, '/change', { place: command.place })
    case 'log verdict':
      return change(command, asked, '/verdict', { index: Number(command.index) })
    case 'log refill':
      return change(command, asked, '/refill', {})
    case 'log check':
      return change(command, asked, '/check', {})
    case 'log end':
      return end(command, asked)
    case 'log recover':
      return recover(command, asked)
    case 'log transfer':
      return change(command, asked, '/transfer', { to: await peerIdOf(asked, command.peer) })
  }
}

async function list({ output, timeoutMs }: Of<'log ls'>, client: Client): Promise<string[]> {
  const logs = await client.logs({ signal: AbortSignal.timeout(timeoutMs) })
  if (output === 'json') return logs.map((log) => JSON.stringify(log))
  return logs.map(
    ({ name, store, place, members, role }) => `${name}  ${store}, ${place}, ${members.length} members, here ${role ?? 'none'}`,
  )
}

async function status({ log, output, timeoutMs }: Of<'log status'>, client: Client): Promise<string[]> {
  const signal = AbortSignal.timeout(timeoutMs)
  const view = await client.log(log).status({ signal })
  if (output === 'json') return [JSON.stringify(view)]
  // A token may open logs alone: ids have to do then.
  const peers = await client.peers({ signal }).catch(() => [])
  const { name, store, place, leader, term, commit, changing, members, replicas } = view
  const calling = callingOf(peers)
  const head = `${name}  ${store}, ${place}, term ${term}, committed ${commit}, led by ${leader === null ? 'nobody' : calling(leader)}`
  const silent = members.filter(({ peer }) => !replicas.some((each) => each.peer === peer))
  return [
    changing ? `${head}, members are changing` : head,
    ...replicas.map(({ peer, role, state, applied, lag, stalled }) => {
      const why = stalled === null ? '' : ` (${stalled})`
      return `${calling(peer)}  ${role}, ${state}${why}, applied ${applied}, ${lag} behind`
    }),
    ...silent.map(({ peer, role }) => `${calling(peer)}  ${role}, does not answer`),
  ]
}

async function create({ log, store, place, lease, timeoutMs }: Of<'log create'>, asked: Asked): Promise<string[]> {
  const body = JSON.stringify({ store, ...(place !== undefined && { place }), ...(lease && { lease }) })
  const reply = await asked.exchange(`/logs/${log}`, { method: 'PUT', body }, timeoutMs)
  if (reply.status === 201) return [`log ${log} is born`]
  if (reply.status === 200) return [`log ${log} was born so before`]
  throw new CommandFailed(detailOf(factsOf(reply.body)))
}

async function end({ log, timeoutMs }: Of<'log end'>, asked: Asked): Promise<string[]> {
  const reply = await asked.exchange(`/logs/${log}/end`, { method: 'POST', body: '{}' }, timeoutMs)
  if (reply.status === 200) return [`log ${log} has ended`]
  throw new CommandFailed(detailOf(factsOf(reply.body)))
}

/** What every survivor held comes first, then who goes on. */
async function recover({ log, output, timeoutMs }: Of<'log recover'>, asked: Asked): Promise<string[]> {
  const reply = await asked.exchange(`/logs/${log}/recover`, { method: 'POST', body: '{}' }, timeoutMs)
  if (reply.status !== 202) throw new CommandFailed(detailOf(factsOf(reply.body)))
  if (output === 'json') return [reply.body]
  const { generation, survivor, replicas } = JSON.parse(reply.body) as Recovered
  return [
    ...replicas.map(({ peer, state, term, index, applied }) => `${peer}  ${state}, its log ends at ${term}.${index}, applied ${applied}`),
    `log ${log} goes on from ${survivor}, in generation ${generation}; what only others had acknowledged is lost`,
  ]
}

async function submit({ log, command, id, timeoutMs }: Of<'log submit'>, client: Client): Promise<string[]> {
  const text = command ?? (await readText(process.stdin))
  const options = { signal: AbortSignal.timeout(timeoutMs), ...(id !== undefined && { name: { id } }) }
  const outcome = await client.log(log).submit(text, options)
  switch (outcome.kind) {
    case 'done':
      return [JSON.stringify(outcome.result)]
    case 'in-doubt':
      throw new CommandFailed(
        `in doubt: it may take effect, now or later (${outcome.detail}); give the same command again with -id ${outcome.name.id}`,
      )
    case 'reused':
      throw new CommandFailed(`-id ${id ?? ''} named another command of this log; nothing took effect`)
    case 'forgotten':
      throw new CommandFailed('whether an earlier try took effect is not remembered any more; it does not now')
    default:
      throw new CommandFailed(outcome.detail)
  }
}

async function query({ log, query: asks, consistency, timeoutMs }: Of<'log query'>, client: Client): Promise<string[]> {
  const outcome = await client.log(log).query(asks, { at: consistency, signal: AbortSignal.timeout(timeoutMs) })
  if (outcome.kind === 'answered') return [JSON.stringify(outcome.result)]
  throw new CommandFailed(outcome.detail)
}

async function change(
  { log, timeoutMs }: Of<'log add' | 'log remove' | 'log place' | 'log refill' | 'log check' | 'log transfer' | 'log verdict'>,
  asked: Asked,
  path: string,
  body: object,
): Promise<string[]> {
  const reply = await asked.exchange(`/logs/${log}${path}`, { method: 'POST', body: JSON.stringify(body) }, timeoutMs)
  if (reply.status === 200) return ['it is so already']
  if (reply.status === 202) return [`under way: replicator log status ${log} shows the end of it`]
  throw new CommandFailed(detailOf(factsOf(reply.body)))
}
