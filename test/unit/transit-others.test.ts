/**
 * What others read of our elements, and we of theirs. transit-js runs in a script of its own;
 * transit-python2 where a Python has it. Each reads what is written here and writes it once more;
 * what comes back has to be the same elements.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { readElements, readReplica } from '../../src/transit/documents.ts'
import { keyOf } from '../../src/transit/writing.ts'

const OTHERS = join(import.meta.dirname, '../others')
const PYTHON = process.env['TRANSIT_PYTHON'] ?? 'python3'
const TIMEOUT_MS = 60_000

const EXACT = [
  '0',
  '-7',
  '9007199254740991',
  '"~i9007199254740993"',
  '"~i-9223372036854775808"',
  '"~n9223372036854775808"',
  '1.5',
  '-2.25',
  'true',
  'false',
  'null',
  '""',
  '"foo"',
  '"~~tilde"',
  '"~^caret"',
  '"~`tick"',
  '"é\\n\\"\\\\\u{1f412}"',
  '"~:keyword"',
  '"~:name/space"',
  '"~$symbol"',
  '"~u6ce99d46-37f8-475c-9e5d-f3a9ecdb5cc4"',
  '"~m1520698550268"',
  '"~rhttp://example.org/"',
  '[1,"two",["~:three",[]]]',
  '["~~#no-tag",1]',
  '["~^ ","no-map"]',
] as const
/** As the key of a map it writes these `~i1.5`, which is no integer. */
const NO_KEYS_IN_JAVASCRIPT = ['1.5', '-2.25'] as const
/**
 * What transit-js cannot keep: it has one kind of number, and one that is whole is an integer to
 * it.
 */
const NOT_IN_JAVASCRIPT = ['1.0', '1e+21', '"~zNaN"', '"~zINF"', '"~z-INF"'] as const

function echo(command: string, parameters: readonly string[], lines: readonly string[]): string[] {
  const { status, stdout, stderr } = spawnSync(command, parameters, { input: lines.join('\n'), encoding: 'utf8', timeout: TIMEOUT_MS })
  assert.equal(status, 0, stderr)
  return stdout.trimEnd().split('\n')
}

function elementsOf(body: string): string[] {
  const { value, fault } = readElements(Buffer.from(body), 'transit')
  assert(value !== undefined, `${body}: ${fault?.message}`)
  return value.map((element) => Buffer.from(element).toString()).toSorted()
}

function stampsOf(body: string): string[] {
  const { value, fault } = readReplica(Buffer.from(body), 'transit')
  assert(value !== undefined, `${body}: ${fault?.message}`)
  return value.map(({ element, added, removed }) => `${Buffer.from(element).toString()} ${added} ${removed}`).toSorted()
}

/**
 * Sets of elements, one by one and all together, and replicas with them as keys. @param notAsKeys
 * what the other spoils as a key
 */
function assertSame(command: string, parameters: readonly string[], elements: readonly string[], notAsKeys: readonly string[] = []): void {
  const keywords = Array.from({ length: 3 }, (_, index) => `"~:keyword-${index}"`)
  const lists = [...elements.map((element) => [element]), elements, [...keywords, `[${keywords.join(',')}]`]]
  const sets = lists.map((list) => `["~#set",[${list.join(',')}]]`)
  for (const [index, back] of echo(command, parameters, sets).entries())
    assert.deepEqual(elementsOf(back), elementsOf(sets[index] ?? ''), back)
  const scalars = elements.filter((element) => !element.startsWith('[') && !notAsKeys.includes(element))
  const map = (keys: readonly string[]): string => `["^ ",${keys.map((key, stamp) => `${key},${stamp}`).join(',')}]`
  const replicas = [
    `["^ ","~:add-set",${map(scalars.map(keyOf))},"~:del-set",["^ "]]`,
    `["^ ","~:add-set",["^ "],"~:del-set",["~#cmap",[${elements.map((element, stamp) => `${element},${stamp}`).join(',')}]]]`,
  ]
  for (const [index, back] of echo(command, parameters, replicas).entries())
    assert.deepEqual(stampsOf(back), stampsOf(replicas[index] ?? ''), back)
}

/** Why no Python can be asked; false when one can. */
function whyNoPython(): string | false {
  const { status, error, stderr } = spawnSync(PYTHON, ['-c', 'import transit.reader'], { encoding: 'utf8', timeout: TIMEOUT_MS })
  if (status === 0) return false
  const why = error?.message ?? stderr.trimEnd().split('\n').at(-1)
  return `${PYTHON} has no transit-python2 (${why}): pip install transit-python2, and name the Python in TRANSIT_PYTHON`
}

suite('other readers and writers of transit', () => {
  test('transit-js keeps every element that JavaScript can', { timeout: TIMEOUT_MS }, () => {
    assertSame(process.execPath, [join(OTHERS, 'transit-echo.mjs')], EXACT, NO_KEYS_IN_JAVASCRIPT)
  })

  test('transit-python2 keeps every element', { timeout: TIMEOUT_MS, skip: whyNoPython() }, () => {
    assertSame(PYTHON, [join(OTHERS, 'transit_echo.py')], [...EXACT, ...NOT_IN_JAVASCRIPT])
  })
})
