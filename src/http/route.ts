/**
 * A path of the interface as one row. The Express table, the OpenAPI document, the names in the
 * metrics, the answers 404 and 405 with their lists of methods are derived from the rows of
 * `routes/`, so none of them can say something else.
 */
import type { Scope as GrantScope } from '../security/grant.ts'
import type { Answer } from './answers.ts'
import type { Exchange } from './exchange.ts'
import type { Part } from './openapi-parts.ts'

/** What a client needs to be allowed; `none` asks for nothing. */
export type Scope = GrantScope | 'none'

export type Method = 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'

/** What a path does on one method. */
export interface RouteMethod {
  readonly scope: Scope
  /** Answers, now or later. What it throws is a 500. */
  readonly handle: (exchange: Exchange) => void
  /** The operation as OpenAPI describes it. */
  readonly operation: Part
}

export interface Route {
  /** As OpenAPI writes it, which is its name in the metrics too: `/swagger/{asset}`. */
  readonly path: string
  /**
   * True for a path that ends in the raw bytes of a key, as `/store/{key}`: it is served in front
   * of Express, which would decode it. Its handler reads `exchange.target`.
   */
  readonly isRaw?: boolean
  /**
   * True for a path that is asked more often than all others: it is served in front of Express too,
   * whose table costs a seventh of such a request. Its handler takes the path apart by itself.
   */
  readonly isDirect?: boolean
  /**
   * True for a list of what lies below other paths: a grant kept to some of them may ask, and the
   * handler cuts the list to it.
   */
  readonly isList?: boolean
  /**
   * The path by which a grant opens this one, where the same thing lives at another path at another
   * port.
   */
  readonly standsFor?: string
  /** The only paths that a `{…}` stands for; undefined for any segment. */
  readonly literals?: readonly string[]
  /** In the order of `Allow`. */
  readonly methods: Readonly<Partial<Record<Method, RouteMethod>>>
  /** What OpenAPI says of the parameters in the path. */
  readonly parameters?: readonly Part[]
}

/** What one type gives to the interface. */
export interface RouteGroup {
  readonly routes: readonly Route[]
  /** The shapes that its operations refer to, by the name they have in the document. */
  readonly schemas: Readonly<Record<string, Part>>
}

/** The methods that a route allows, as `Allow` lists them. */
export function allowed(route: Route): string {
  return Object.keys(route.methods).join(', ')
}

/** What a route does on a method; undefined when it does not allow it. */
export function methodOf(route: Route, method: string | undefined): RouteMethod | undefined {
  return method !== undefined && Object.hasOwn(route.methods, method) ? route.methods[method as Method] : undefined
}

/** True for an operation that reads the query: its handler refuses what it does not know in it. */
export function takesQuery({ operation }: RouteMethod): boolean {
  const { parameters } = operation
  return Array.isArray(parameters) && parameters.some((parameter: Part) => parameter['in'] === 'query')
}

/** Makes a handler of a function that returns its answer. */
export function answering(read: (exchange: Exchange) => Answer | Promise<Answer>): RouteMethod['handle'] {
  return (exchange) => {
    const answer = read(exchange)
    if (answer instanceof Promise) exchange.follow(answer, 0, (made) => exchange.send(made))
    else exchange.send(answer)
  }
}
