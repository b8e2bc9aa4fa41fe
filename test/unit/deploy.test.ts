/** What lies in deploy/ is true: flags, alerts and runbooks are there, and checkers are content. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { nginxFlags, whyNoNginx } from '../../scripts/demo/nginx.ts'
import { kafkaHome, whyNoKafka } from '../../scripts/kafka-home.ts'
import { parseCommandLine } from '../../src/settings/command-line.ts'
import { FLAGS, variableOf } from '../../src/settings/flags.ts'
import { orderOf, parseOrder } from '../../src/settings/order-url.ts'
import { DEPLOY, deployed, METRIC_FILES } from '../deployed.ts'

const SOURCES = join(DEPLOY, '..', 'src')
const VARIABLES = new Set(Object.values(FLAGS).map(({ name }) => variableOf(name)))

function isInstalled(program: string): boolean {
  return spawnSync(program, ['--version']).error === undefined
}

function without(program: string): string | false {
  return !isInstalled(program) && `${program} is not installed`
}

/** As headings are linked to. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .replaceAll(/\s/g, '-')
}

suite('what is deployed', () => {
  for (const file of ['Dockerfile', 'compose.yaml', 'raft-nginx.compose.yaml', 'kubernetes.yaml', 'replicator.service']) {
    test(`${file} names no variable that is not a flag's`, () => {
      const named = [...deployed(file).matchAll(/\bREPLICATOR_[A-Z_]+/g)].map(([name]) => name)
      assert.ok(named.length > 0)
      assert.deepEqual(
        named.filter((name) => !VARIABLES.has(name)),
        [],
      )
    })
  }

  test('every line of a log that the runbooks name is one that a peer writes', () => {
    const page = readFileSync(join(DEPLOY, '..', 'docs', 'runbooks.md'), 'utf8').replaceAll(/\s+/g, ' ')
    const named = [...page.matchAll(/the line `([^`]+)`/g)].map(([, line = '']) => line)
    const sources = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
    const written = sources.map((name) => readFileSync(join(SOURCES, name), 'utf8')).join('\n')
    assert.ok(named.length >= 2)
    assert.deepEqual(
      named.filter((line) => !written.includes(line)),
      [],
    )
  })

  test('every alert leads to a runbook that is there', () => {
    const page = readFileSync(join(DEPLOY, '..', 'docs', 'runbooks.md'), 'utf8')
    const anchors = [...page.matchAll(/^## (.*)$/gm)].map(([, heading = '']) => anchorOf(heading))
    const named = [...deployed('alerts.yaml').matchAll(/docs\/runbooks\.md#(\S+)/g)].map(([, anchor = '']) => anchor)
    assert.ok(named.length > 5)
    assert.deepEqual(
      named.filter((anchor) => !anchors.includes(anchor)),
      [],
    )
  })

  test('the dashboard is one, each of its panels with something to ask', () => {
    const { panels } = JSON.parse(deployed('grafana-dashboard.json')) as { panels: { id: number; targets: { expr: string }[] }[] }
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
    for (const { id, targets } of panels)
      assert.ok(targets.length > 0 && targets.every(({ expr }) => expr.includes('$instance')), String(id))
    assert.ok(METRIC_FILES.includes('grafana-dashboard.json'))
  })

  test('promtool takes the alerts, and they say what they must', { skip: without('promtool') }, () => {
    for (const [verb, file] of [
      ['check', 'alerts.yaml'],
      ['test', 'alerts-test.yaml'],
    ] as const) {
      const { status, stdout, stderr } = spawnSync('promtool', [verb, 'rules', file], { cwd: DEPLOY, encoding: 'utf8' })
      assert.equal(status, 0, stdout + stderr)
    }
  })

  test('nginx takes the file for a log, as it is and as containers have it', { skip: whyNoNginx() }, () => {
    const directory = mkdtempSync(join(tmpdir(), 'replicator-nginx-'))
    try {
      const expressions = [...deployed('raft-nginx.compose.yaml').matchAll(/-e '([^']+)'/g)].flatMap(([, text = '']) => ['-e', text])
      assert.equal(expressions.length, 8)
      const { stdout: contained } = spawnSync('sed', expressions, { input: deployed('nginx-log.conf'), encoding: 'utf8' })
      assert.deepEqual(contained.match(/^ *[^#\s].*127\.0\.0\.1/gm), null)
      // Nobody has these names here, and nginx looks who has.
      for (const file of [deployed('nginx-log.conf'), contained.replaceAll(/\b(first|second|third):/g, '127.0.0.1:')]) {
        const { status, stderr } = spawnSync('nginx', ['-t', ...nginxFlags(directory, file)], { encoding: 'utf8' })
        assert.equal(status, 0, stderr)
      }
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })

  test('systemd takes the unit', { skip: without('systemd-analyze') }, () => {
    const directory = mkdtempSync(join(tmpdir(), 'replicator-unit-'))
    try {
      const path = join(directory, 'replicator.service')
      // The program is not installed here, and systemd looks whether it is.
      writeFileSync(path, deployed('replicator.service').replace(/^ExecStart=.*$/m, 'ExecStart=/bin/true'))
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', path], { encoding: 'utf8' })
      assert.deepEqual([status, stderr.split('\n').filter((line) => line.includes('replicator.service'))], [0, []])
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
})

suite('databases and their Kafka in containers', () => {
  const file = deployed('kluster.compose.yaml')
  const variables = [...file.matchAll(/^ +([A-Z][A-Z_]+): "?([^\n"*&]+)"?$/gm)].map(([, name = '', value = '']) => [name, value] as const)

  test('each command is one, and makes the topics that the variables name', () => {
    const commands = [...file.matchAll(/^ +command: \[(.*)\]$/gm)].map(([, words = '']) =>
      words.split(', ').map((word) => word.replaceAll('"', '')),
    )
    assert.deepEqual(
      commands.map((words) => parseCommandLine(words, {}).kind),
      ['command', 'command', 'command'],
    )
    const [made] = commands.flat().filter((word) => word.startsWith('kafka://'))
    const { replication: _, ...named } = parseOrder(made ?? '', 'kluster')
    const { replication: __, ...read } = orderOf(Object.fromEntries(variables), 'kluster') ?? {}
    assert.deepEqual(read, named)
  })

  test('a replica of each PostgreSQL has the address of its own', () => {
    const addresses = variables.flatMap(([name, value]) => (name === 'DATABASE_ADDRESS' ? [value] : []))
    assert.deepEqual(
      addresses,
      [1, 2, 3].map((number) => `postgres://kluster:kluster@postgres-${number}:5432/kluster`),
    )
    for (const address of addresses) assert.match(file, new RegExp(`^  ${new URL(address).hostname}:$`, 'm'))
  })

  test('Kafka takes its settings', { skip: whyNoKafka() }, () => {
    const directory = mkdtempSync(join(tmpdir(), 'replicator-kafka-settings-'))
    try {
      // Their image makes a setting of each variable so.
      const ours = new Set(['KAFKA_BOOTSTRAP_SERVERS', 'KAFKA_MUTATION_TOPIC', 'KAFKA_RESPONSE_TOPIC', 'KAFKA_LOG_DIRS'])
      const settings = variables.flatMap(([name, value]) =>
        name.startsWith('KAFKA_') && !ours.has(name) ? [`${name.slice('KAFKA_'.length).toLowerCase().replaceAll('_', '.')}=${value}`] : [],
      )
      assert.ok(settings.length > 10)
      const path = join(directory, 'server.properties')
      writeFileSync(path, [...settings, `log.dirs=${join(directory, 'log')}`].join('\n'))
      const [, id = ''] = variables.find(([name]) => name === 'CLUSTER_ID') ?? []
      const words = ['-cp', join(kafkaHome(), 'libs', '*'), 'kafka.tools.StorageTool', 'format', '-t', id, '-c', path]
      const { status, stdout, stderr } = spawnSync('java', ['-XX:TieredStopAtLevel=1', ...words], { encoding: 'utf8' })
      assert.equal(status, 0, stdout + stderr)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
})
