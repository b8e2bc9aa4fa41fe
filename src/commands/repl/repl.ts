/**
 * `replicator repl`: runs what is typed, or one expression, over a log, and shows and changes its
 * nodes. Answers go to standard output, refusals to standard error.
 */
import { createInterface } from 'node:readline'
import { NODE_STATUSES } from '../../facades/nexus/messages.ts'
import type { NodeInfo } from '../../facades/nexus/messages.ts'
import { isNodeVerb, isReplKind } from '../../settings/repl-command.ts'
import type { NodeVerb, ReplCommand, ReplKind } from '../../settings/repl-command.ts'
import { EXITS } from '../exits.ts'
import { CommandFailed } from '../failed.ts'
import { complain, say } from '../said.ts'
import { NexusClient } from './client.ts'
import { History } from './history.ts'
import { isQuery, shownAs, statementOf } from './statements.ts'

const ENDS: ReadonlySet<string> = new Set(['exit', 'quit', '\\q'])
const UNKNOWN = '0'

/** @returns the exit code */
export async function runRepl(command: ReplCommand): Promise<number> {
  const { first, second, third } = command
  const client = await NexusClient.open(command, isReplKind(first) ? second : first)
  try {
    if (isReplKind(first)) {
      if (third === undefined) return await prompt(client, first)
      await once(client, first, third)
    } else if (isNodeVerb(second)) await changeNodes(client, second, third ?? '')
    return EXITS.done
  } finally {
    client.close()
  }
}

async function once(client: NexusClient, kind: ReplKind, text: string): Promise<void> {
  const statement = statementOf(text)
  say([shownAs(await client.run(statement, isQuery(kind, statement)))])
}

/** Lines until there are no more. A script is told by the exit code that one was refused; somebody who types saw it. */
async function prompt(client: NexusClient, kind: ReplKind): Promise<number> {
  const { stdin: input, stdout: output } = process
  const isTerminal = input.isTTY
  const history = isTerminal ? History.open(kind) : undefined
  const lines = createInterface({ input, output, terminal: isTerminal, prompt: `${kind}> `, history: history?.lines ?? [] })
  // The end of the input may come while a line is still run.
  let isOpen = true
  lines.once('close', () => (isOpen = false))
  const ask = (): void => {
    if (isTerminal && isOpen) lines.prompt()
  }
  let code: number = EXITS.done
  ask()
  for await (const line of lines) {
    const statement = statementOf(line)
    if (ENDS.has(statement)) break
    if (statement !== '') {
      history?.add(line)
      if (!(await isDone(client, kind, statement)) && !isTerminal) code = EXITS.failed
    }
    ask()
  }
  lines.close()
  return code
}

async function isDone(client: NexusClient, kind: ReplKind, statement: string): Promise<boolean> {
  try {
    await once(client, kind, statement)
    return true
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error
    complain('repl', error.message)
    return false
  }
}

async function changeNodes(client: NexusClient, verb: NodeVerb, url: string): Promise<void> {
  if (verb !== 'listNodes') {
    const { message } = await client.change(verb, url)
    if (message !== '') complain('repl', message)
  }
  const { leader, nodes } = await client.nodes()
  if (leader === UNKNOWN) complain('repl', 'nobody is known to lead')
  say(Object.values(nodes).toSorted(byRole).map(shownNode))
}

/** Who leads first. */
function byRole(a: NodeInfo, b: NodeInfo): number {
  return NODE_STATUSES.indexOf(a.status) - NODE_STATUSES.indexOf(b.status) || (a.nodeUrl < b.nodeUrl ? -1 : 1)
}

function shownNode({ nodeId, nodeUrl, status }: NodeInfo): string {
  return `${BigInt(nodeId).toString(16)} => ${nodeUrl} (${status})`
}
