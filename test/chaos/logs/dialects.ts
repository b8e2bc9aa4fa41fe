/**
 * How lists are kept in each kind of store: an item is appended by a command, and a list is read
 * whole. An item has no `;` in it.
 */
export const LOG_KINDS = ['kv', 'redis', 'sqlite'] as const
export type LogKind = (typeof LOG_KINDS)[number]

export interface Dialect {
  /** Orders what appends need; undefined where they need nothing. */
  readonly prepare: string | undefined
  readonly append: (list: string, item: string) => string
  readonly read: (list: string) => string
  /** The items of a list, of the result of `read`. */
  readonly items: (result: unknown) => readonly string[]
}

export const DIALECTS: Readonly<Record<LogKind, Dialect>> = {
  kv: {
    prepare: undefined,
    append: (list, item) => JSON.stringify({ append: { [list]: `${item};` } }),
    read: (list) => JSON.stringify({ get: [list] }),
    items: (result) => split(Object.values(result as Readonly<Record<string, string | null>>)[0] ?? ''),
  },
  redis: {
    prepare: undefined,
    append: (list, item) => `return redis.call('append', '${list}', '${item};')`,
    read: (list) => `return redis.call('get', '${list}')`,
    items: (result) => split((result as string | null) ?? ''),
  },
  sqlite: {
    prepare: 'create table items (place integer primary key, list text not null, item text not null)',
    append: (list, item) => JSON.stringify({ command: 'insert into items (list, item) values (?, ?)', params: [list, item] }),
    read: (list) => JSON.stringify({ command: 'select item from items where list = ? order by place', params: [list] }),
    items: (result) => (result as { readonly rows: readonly (readonly string[])[] }).rows.map(([item = '']) => item),
  },
}

/** A log is called as its kind of store. */
export function logOf(kind: LogKind): string {
  return `${kind}-log`
}

function split(text: string): string[] {
  return text.split(';').slice(0, -1)
}
