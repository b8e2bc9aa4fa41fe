/**
 * What should come of the operations of a run: for each element the join of all that was answered,
 * as long as a store that answered it is there; and what was forgotten, which must not come back.
 */
import type { IdentityId } from '../../../../protocols/base/identity.ts'
import type { ElementKey } from '../../../../protocols/sets/element.ts'
import { NO_STAMPS, isMember, join } from '../../../../protocols/sets/join.ts'
import type { Stamps } from '../../../../protocols/sets/join.ts'
import { NO_STAMP } from '../../../../protocols/sets/requests.ts'
import type { Cut, Stamp } from '../../../../protocols/sets/requests.ts'

/** An operation that a client was told is stored. */
export interface Answered {
  readonly set: string
  readonly key: ElementKey
  readonly stamps: Stamps
  /** Who told it. */
  readonly by: IdentityId
}

export class Model {
  private readonly answered: Answered[] = []
  /** The removals that anybody ever wrote, by set and element. */
  private readonly removals = new Map<string, Set<Stamp>>()
  /** The highest removal that was forgotten, by set and element, and by which cut. */
  private readonly forgotten = new Map<string, { readonly removed: Stamp; readonly number: number }>()

  get answeredCount(): number {
    return this.answered.length
  }

  get forgottenCount(): number {
    return this.forgotten.size
  }

  add(answered: Answered): void {
    this.answered.push(answered)
  }

  wrote(set: string, key: ElementKey, { removed }: Stamps): void {
    const name = `${set}/${key}`
    const removals = this.removals.get(name) ?? new Set()
    if (removed >= 0) this.removals.set(name, removals.add(removed))
  }

  /** The highest removal at or below a stamp that anybody ever wrote. */
  removedUpTo(set: string, key: ElementKey, stamp: Stamp): Stamp {
    return [...(this.removals.get(`${set}/${key}`) ?? [])].reduce((most, each) => (each <= stamp ? Math.max(most, each) : most), NO_STAMP)
  }

  forget(set: string, key: ElementKey, { removed }: Stamps, number: number): void {
    const name = `${set}/${key}`
    const before = this.forgotten.get(name)
    if (before === undefined || before.removed < removed) this.forgotten.set(name, { removed, number })
  }

  /**
   * True for an element that was forgotten at a cut which the holder has, and is a member again by
   * an operation of before.
   */
  isBack(set: string, key: ElementKey, held: Stamps, cut: Cut): boolean {
    const forgotten = this.forgotten.get(`${set}/${key}`)
    return forgotten !== undefined && cut.number >= forgotten.number && isMember(held) && held.added <= forgotten.removed
  }

  /** The join of what was answered by stores that are still there. */
  *expected(isThere: (by: IdentityId) => boolean): Iterable<Answered> {
    const joined = new Map<string, Answered>()
    for (const each of this.answered) {
      if (!isThere(each.by)) continue
      const name = `${each.set}/${each.key}`
      const before = joined.get(name)?.stamps ?? NO_STAMPS
      joined.set(name, { ...each, stamps: join(before, each.stamps) })
    }
    yield* joined.values()
  }

  /** True when what is held shows the operation, or has forgotten it in its time. */
  shows(held: Stamps, cut: Cut, { stamps }: Pick<Answered, 'stamps'>, set: string, key: ElementKey): boolean {
    const { added, removed } = stamps
    // What was added before it was removed is forgotten with the removal; a removal is, as long as
    // it is not undone by that.
    const isAddedPast = added <= cut.stamp && this.removedUpTo(set, key, cut.stamp) >= added
    const isRemovedPast = removed <= cut.stamp && !(isMember(held) && held.added <= removed)
    return (held.added >= added || isAddedPast) && (held.removed >= removed || isRemovedPast)
  }
}
