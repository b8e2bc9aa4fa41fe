/**
 * The lines of Kluster, as docs/coming-from.md has them, at a Kafka and databases that run: three
 * replicas by the variables of the seed, its client's lines beside its own, and a client in another
 * language.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ROOT } from '../../scripts/run.ts'
import type { KafkaServer } from '../integration/kafka-server.ts'
import type { DatabaseServer } from '../integration/sql-servers.ts'
import { cleanEnvironment, until } from './network.ts'
import { linesBelow, runLine } from './page-lines.ts'
import type { Line } from './page-lines.ts'

const SETTLED_MS = 120_000
const REPLICAS = 3
const TOPICS = ['kluster-mutation-test', 'kluster-mutation-response'] as const
const PROGRAM = `${process.execPath} ${join(ROOT, 'dist/src/main.js')}`
/** A Python with kafka-python; .ci/run makes one. */
const { KAFKA_PYTHON } = process.env

export interface Servers {
  readonly kafka: KafkaServer
  readonly postgres: DatabaseServer
  readonly directory: string
}

interface Started {
  readonly process: ChildProcess
  said: string
}

/** What is of the moment: times, and the ids of queries. */
function withoutMoments(text: string): string {
  return text
    .replaceAll(/\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d/g, 'TIME')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)/g, 'TIME')
    .replaceAll(/\b\d{13}(?:-[0-9a-f]{8})?\b/g, 'ID')
}

/** @param servers what runs when the tests do; all of it is of one broker and one database server */
export function describeKlusterLines(servers: () => Servers): void {
  describe('the lines of Kluster', () => {
    const lines = linesBelow('Kluster')
    const started: Started[] = []

    before(() => {
      const { postgres } = servers()
      postgres.ask(`create role kluster login password 'kluster'`)
      for (let number = 1; number <= REPLICAS; number += 1)
        postgres.ask(`create database kluster${number} owner kluster template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'`)
    })
    after(() => {
      for (const { process: child } of started) child.kill('SIGKILL')
    })

    /** As it is typed, at these servers. */
    const given = (command: string): string =>
      command
        .replaceAll('localhost:9092', servers().kafka.address)
        .replaceAll(/localhost:2000(\d)\/kluster/g, (_, number: string) => `127.0.0.1:${servers().postgres.port}/kluster${number}`)
        .replaceAll('npx replicator', PROGRAM)

    const environment = (): NodeJS.ProcessEnv => ({ HOME: servers().directory })

    const start = (command: string): Started => {
      const text = given(command).replace(/ &$/, '')
      const words = text.replace(/^((?:\w+="[^"]*" )*)/, '$1exec ')
      const env = { ...cleanEnvironment(), ...environment() }
      const child = spawn('bash', ['-c', words], { cwd: servers().directory, env, stdio: ['ignore', 'pipe', 'pipe'] })
      const one: Started = { process: child, said: '' }
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (said: string) => (one.said += said))
      started.push(one)
      return one
    }

    /** Each answers what comes after it is, so the client's lines are those of all of them. */
    const allReady = async (): Promise<void> => {
      for (const replica of started)
        await until('a replica is ready', () => replica.said.includes('log kluster is ready'), SETTLED_MS).catch(() =>
          assert.fail(replica.said),
        )
    }

    const run = async ({ command, printed }: Line): Promise<void> => {
      const what = `${command} prints ${printed}`
      if (command.endsWith(' &')) start(command)
      else if (command.endsWith(' kluster client')) {
        const client = start(command)
        const first = (): string => client.said.split('\n').slice(0, printed?.split('\n').length).join('\n')
        await until(what, () => withoutMoments(first()) === withoutMoments(printed ?? ''), SETTLED_MS).catch(() => assert.fail(client.said))
        client.process.kill('SIGTERM')
      } else {
        let text = ''
        await until(
          what,
          () => {
            const ended = runLine(given(command), environment(), servers().directory)
            text = ended.text.trimEnd()
            return ended.code === 0 && (printed === undefined || text === printed)
          },
          SETTLED_MS,
        ).catch(() => assert.fail(`${what}: ${text}`))
      }
    }

    it('print what the page says, as the lines of its own client are', async () => {
      assert.ok(lines.length >= 7)
      for (const [place, line] of lines.entries()) {
        if (lines[place - 1]?.command.endsWith(' &') === true && !line.command.endsWith(' &')) await allReady()
        await run(line)
      }
    })

    it(
      'are understood from another language: a text of SQL under a key is answered under it',
      {
        skip: KAFKA_PYTHON === undefined && 'KAFKA_PYTHON names no Python with kafka-python: .ci/run makes one',
      },
      () => {
        const ask = (key: string, sql: string): string[] => {
          const words = [join(ROOT, 'test/others/kluster_client.py'), servers().kafka.address, ...TOPICS, key, sql, String(REPLICAS)]
          return execFileSync(KAFKA_PYTHON ?? '', words, { encoding: 'utf8' })
            .split('\n')
            .slice(0, -1)
        }
        const every = (text: string): string[] => Array.from({ length: REPLICAS }, () => text)
        assert.deepEqual(ask('python-1', 'SELECT 2+2 as Count'), every('Successfully executed query, rowsAffected=1 '))
        for (const answer of ask('python-2', 'select nonsense'))
          assert.match(answer, /^Error while executing query select nonsense, error: .*42703/)
      },
    )
  })
}
