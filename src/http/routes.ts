/**
 * Every path of the interface, as rows that the types give, and what is derived from them to find
 * one.
 */
import type { Registry } from 'prom-client'
import type { Logs } from '../ports/logs.ts'
import type { Registers } from '../ports/registers.ts'
import type { Feed } from '../ports/feed.ts'
import type { Sets } from '../ports/sets.ts'
import { openApiDocument } from './openapi.ts'
import type { Route } from './route.ts'
import { configRoutes } from './routes/config.ts'
import { consoleRoutes } from './routes/console.ts'
import { documentationRoutes } from './routes/documentation.ts'
import { healthRoutes } from './routes/health.ts'
import { keyRoutes } from './routes/keys.ts'
import { logRoutes } from './routes/logs.ts'
import { bulkRoutes } from './routes/puts.ts'
import { registerRoutes } from './routes/registers.ts'
import { setRoutes } from './routes/sets.ts'
import { statusRoutes } from './routes/status.ts'

export interface RoutesInit {
  /** What `/metrics` prints. */
  readonly registry: Registry
  /** Of this program. */
  readonly version: string
  /** The largest value taken by this peer. */
  readonly valueBytesMax: number
  /** Undefined where nothing of them is served. */
  readonly sets?: Sets | undefined
  readonly registers?: Registers | undefined
  readonly logs?: Logs | undefined
  /** Undefined where nobody can watch keys. */
  readonly feed?: Feed | undefined
}

/** The rows, in the order of the document. */
export function allRoutes({ registry, version, valueBytesMax, sets, registers, logs, feed }: RoutesInit): readonly Route[] {
  let document = ''
  const groups = [
    keyRoutes(valueBytesMax, feed),
    bulkRoutes(),
    ...(registers === undefined ? [] : [registerRoutes(registers, valueBytesMax)]),
    ...(sets === undefined ? [] : [setRoutes(sets)]),
    ...(logs === undefined ? [] : [logRoutes(logs)]),
    statusRoutes(),
    configRoutes(),
    healthRoutes(registry),
    documentationRoutes(() => document),
    consoleRoutes(),
  ]
  document = JSON.stringify(openApiDocument(version, groups))
  return groups.flatMap(({ routes }) => routes)
}

/** Finds the route of a target. */
export class RouteFinder {
  /** Each with what its paths begin with. */
  readonly #raw: readonly (readonly [prefix: string, route: Route])[]
  readonly #exact = new Map<string, Route>()
  readonly #patterns: readonly (readonly [pattern: RegExp, route: Route])[]

  constructor(routes: readonly Route[]) {
    this.#raw = routes.filter(({ isRaw }) => isRaw === true).map((route) => [route.path.slice(0, route.path.indexOf('{')), route])
    for (const route of routes) for (const path of exactPaths(route)) this.#exact.set(path, route)
    this.#patterns = routes.filter(isPattern).map((route) => [patternOf(route.path), route])
  }

  /** The route that a target belongs to; undefined when nothing lives there. */
  find(target: string): Route | undefined {
    for (const [prefix, route] of this.#raw) if (target.startsWith(prefix)) return route
    const cut = target.indexOf('?')
    const path = cut < 0 ? target : target.slice(0, cut)
    return this.#exact.get(path) ?? this.#patterns.find(([pattern]) => pattern.test(path))?.[1]
  }
}

/**
 * The paths under which Express serves a route: as they are, or with its `{…}` as Express writes
 * them.
 */
export function expressPaths(route: Route): readonly string[] {
  if (route.isRaw === true) return []
  return isPattern(route) ? [route.path.replaceAll(/\{(\w+)\}/g, ':$1')] : exactPaths(route)
}

function exactPaths(route: Route): readonly string[] {
  if (route.isRaw === true || isPattern(route)) return []
  return route.literals ?? [route.path]
}

function isPattern({ path, isRaw, literals }: Route): boolean {
  return isRaw !== true && literals === undefined && path.includes('{')
}

function patternOf(path: string): RegExp {
  const source = path.split(/\{\w+\}/).map((text) => text.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`))
  return new RegExp(`^${source.join('[^/]+')}$`)
}
