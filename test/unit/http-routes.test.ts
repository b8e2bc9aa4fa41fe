/**
 * The rows of the interface: what is found under a path, and that what is derived from them agrees.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Registry } from 'prom-client'
import { allowed, methodOf } from '../../src/http/route.ts'
import type { Route } from '../../src/http/route.ts'
import { FakeLogs } from '../integration/fake-logs.ts'
import { FakeRegisters } from '../integration/fake-registers.ts'
import { FakeSets } from '../integration/fake-sets.ts'
import { openApiDocument } from '../../src/http/openapi.ts'
import { allRoutes, expressPaths, RouteFinder } from '../../src/http/routes.ts'

const ROUTES = allRoutes({
  registry: new Registry(),
  version: '1.2.3',
  valueBytesMax: 1,
  sets: new FakeSets(),
  registers: new FakeRegisters(),
  logs: new FakeLogs(),
})
const METHODS: Route['methods'] = { POST: { scope: 'write', handle: () => undefined, operation: {} } }

describe('the rows', () => {
  it('have each path once, and each of their operations a name of its own', () => {
    const paths = ROUTES.map(({ path }) => path)
    assert.equal(new Set(paths).size, paths.length)
    const names = ROUTES.flatMap(({ methods }) => Object.values(methods).map(({ operation }) => operation['operationId']))
    assert.equal(new Set(names).size, names.length)
  })

  it('name each shape of their answers once: of two, one would stand for both', () => {
    const group = { routes: [], schemas: { Changing: {} } }
    assert.throws(() => openApiDocument('1.2.3', [group, group]), /a schema twice: .*Changing, Changing/)
  })

  it('are found under their own paths, and nothing under others', () => {
    const finder = new RouteFinder(ROUTES)
    for (const [target, path] of [
      ['/store/a/b?c=d', '/store/{key}'],
      ['/store/', '/store/{key}'],
      ['/store?prefix=a', '/store'],
      ['/swagger/start.js', '/swagger/{asset}'],
      ['/swagger/other.js', undefined],
      ['/status/', undefined],
      ['/Status', undefined],
      ['/st%61tus', undefined],
      ['/storefront', undefined],
    ] as const)
      assert.equal(finder.find(target)?.path, path, target)
  })

  it('stand for one segment where their path has a name in braces', () => {
    const route: Route = { path: '/sets/{name}/insert', methods: METHODS }
    const finder = new RouteFinder([route])
    assert.equal(finder.find('/sets/a.b/insert?x=/sets'), route)
    for (const target of ['/sets//insert', '/sets/a/b/insert', '/sets/a/insert/', '/sets/a/inserted'])
      assert.equal(finder.find(target), undefined, target)
    assert.deepEqual(expressPaths(route), ['/sets/:name/insert'])
  })

  it('allow the methods they have, and none that every object has', () => {
    const [keys] = ROUTES
    assert.equal(allowed(keys as Route), 'GET, HEAD, PUT')
    for (const method of ['POST', 'get', 'constructor', undefined]) assert.equal(methodOf(keys as Route, method), undefined)
  })
})
