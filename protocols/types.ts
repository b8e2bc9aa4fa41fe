/** The further types of data of a peer: whose message and whose request it is. */
import { assert } from './base/assert.ts'
import type { DataType } from './data-type.ts'
import type { Handlers, Requests } from './service.ts'

export class Types {
  readonly all: readonly DataType[]
  readonly handles: Handlers<'typed'>
  readonly requests: Requests<'typed'>
  private readonly byCode: ReadonlyMap<number, DataType>
  private readonly byName: ReadonlyMap<string, DataType>

  constructor(all: readonly DataType[]) {
    this.all = all
    this.byCode = new Map(all.map((type) => [type.code, type]))
    this.byName = new Map(all.map((type) => [type.name, type]))
    assert(this.byCode.size === all.length && this.byName.size === all.length, 'two types of data go by one name or code')
    this.handles = {
      // Of a type that is not here: its sender is of a later build, and this one has no part in what it means.
      typed: (from, { type, body }) => this.byCode.get(type)?.told(from, body),
    }
    this.requests = {
      typed: (request) => {
        const type = this.byName.get(request.type)
        assert(type !== undefined, `a request of type ${request.type}, which is not here`)
        type.asked(request)
      },
    }
  }
}
