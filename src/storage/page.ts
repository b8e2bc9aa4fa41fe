/** One page of a listing, bounded in keys and in bytes. */
import type { ValueRecord } from '../../protocols/base/record.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import { PAGE_BYTES_MAX } from '../ports/storage.ts'
import type { Listed, Listing } from '../ports/storage.ts'

export class Page {
  readonly #limit: number
  #entries: Listed[] = []
  #valueBytes = 0

  /** @param limit keys at most */
  constructor(limit: number) {
    this.#limit = limit
  }

  get isFull(): boolean {
    return this.#entries.length >= this.#limit || this.#valueBytes >= PAGE_BYTES_MAX
  }

  add(key: RegisterKey, record: ValueRecord): void {
    this.#entries.push({ key, record })
    this.#valueBytes += record.value.length
  }

  listing(more: boolean): Listing {
    return { entries: this.#entries, more }
  }
}
