/** What became of a write of a register, in a sentence. Pure. */
import type { DeleteOutcome, WriteOutcome } from '../client/client.ts'
import type { Said } from './forms.ts'

export function saidOfWrite(key: string, outcome: WriteOutcome | DeleteOutcome): Said {
  switch (outcome.kind) {
    case 'written':
    case 'written-before':
      return { kind: 'good', text: `${key} is version ${outcome.version} now.` }
    case 'deleted':
    case 'deleted-before':
      return { kind: 'good', text: `${key} is deleted.` }
    case 'absent':
      return { kind: 'bad', text: `Nothing is live under ${key}: nothing was changed.` }
    case 'mismatch':
      return { kind: 'bad', text: `Nothing was changed: ${foundText(outcome.current)}.` }
    case 'reused':
      return { kind: 'bad', text: 'The name of this write was used for another one.' }
    case 'forgotten':
      return { kind: 'warn', text: 'So much was written since that nobody remembers whether this was. It is not applied again.' }
    case 'in-doubt':
      return { kind: 'warn', text: `It may be applied, now or later: ${outcome.detail}` }
    case 'unavailable':
      return { kind: 'bad', text: `Nothing was changed: ${outcome.detail}` }
    case 'refused':
      return { kind: 'bad', text: outcome.detail }
  }
}

function foundText(current: number | undefined): string {
  if (current === undefined) return 'something else is there'
  return current === 0 ? 'nothing is there any more' : `somebody else has written, and it is version ${current} now`
}
