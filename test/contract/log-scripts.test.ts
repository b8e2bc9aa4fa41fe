/**
 * The interaction scripts of etcd's own Raft as scenarios for ours. A script is played command by
 * command, and what it says of its nodes' state is compared; those that ask for what we do not have
 * are listed with the reason.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { casesIn } from './go-cases.ts'
import type { Case } from './go-cases.ts'
import { goModule } from './go-module.ts'
import { compareCase, compareMembers } from './scripts/expected.ts'
import type { Compared } from './scripts/expected.ts'
import { Player } from './scripts/player.ts'

const MODULE = 'go.etcd.io/raft/v3@v3.7.0'
const STEPS = 558

/** `ends`: a change of members that takes other steps here; what it ends in is compared. */
type Script = Compared | 'ends' | { readonly why: string }

const ALL: Compared = { leader: true, indexes: true }

const SCRIPTS: Readonly<Record<string, Script>> = {
  'async_storage_writes.txt': ALL,
  'async_storage_writes_append_aba_race.txt': {
    why: 'an answer waits until the term that it is given in is on disk, so that the leader sends nothing again before',
  },
  'campaign.txt': ALL,
  'campaign_learner_must_vote.txt': { ...ALL, indexes: false },
  'checkquorum.txt': ALL,
  'confchange_disable_validation.txt': { why: 'a change of members is always validated' },
  'confchange_v1_add_single.txt': 'ends',
  'confchange_v1_remove_leader.txt': 'ends',
  'confchange_v1_remove_leader_stepdown.txt': 'ends',
  'confchange_v2_add_double_auto.txt': 'ends',
  'confchange_v2_add_double_implicit.txt': 'ends',
  'confchange_v2_add_single_auto.txt': 'ends',
  'confchange_v2_add_single_explicit.txt': { why: 'a joint step is ended by whoever leads, never by a command' },
  'confchange_v2_replace_leader.txt': 'ends',
  'confchange_v2_replace_leader_stepdown.txt': 'ends',
  'forget_leader.txt': { why: 'nobody is told to forget its leader: a closed connection says so, and shortens the wait for another' },
  'forget_leader_prevote_checkquorum.txt': { ...ALL, leader: false },
  'forget_leader_read_only_lease_based.txt': { why: 'nobody is told to forget its leader' },
  'heartbeat_resp_recovers_from_probing.txt': ALL,
  'lagging_commit.txt': ALL,
  'prevote.txt': ALL,
  'prevote_checkquorum.txt': ALL,
  'probe_and_replicate.txt': ALL,
  'replicate_pause.txt': ALL,
  'single_node.txt': ALL,
  'slow_follower_after_compaction.txt': ALL,
  'snapshot_succeed_via_app_resp.txt': {
    why: 'the last entry of a log is never compacted, so that it is never to be had from a snapshot alone',
  },
  'snapshot_succeed_via_app_resp_behind.txt': ALL,
}

const module = goModule(MODULE)

suite(`the interaction scripts of ${MODULE}`, { skip: 'why' in module && module.why }, () => {
  const all = 'folder' in module ? casesIn(join(module.folder, 'testdata')) : []
  const byName = Map.groupBy(all, ({ where }) => where)

  test('each is played, or has a reason why not', () => {
    assert.deepEqual([...byName.keys()].toSorted(), Object.keys(SCRIPTS).toSorted())
    assert.equal(all.length, STEPS)
  })

  for (const [name, script] of Object.entries(SCRIPTS)) {
    if (typeof script === 'object' && 'why' in script) test(name, { skip: script.why }, () => undefined)
    else
      test(name, (context) => {
        const count = script === 'ends' ? playToItsEnd(byName.get(name) ?? []) : play(byName.get(name) ?? [], script)
        context.diagnostic(`${count} statements compared`)
        assert(count > 0, 'nothing was compared')
      })
  }
})

function play(cases: readonly Case[], compared: Compared): number {
  const player = new Player(cases)
  let count = 0
  for (const each of cases) {
    player.play(each)
    count += compareCase(player, each, compared)
  }
  return count
}

/** All commands that the script's leader takes are in every voter's log, once and in their order. */
function playToItsEnd(cases: readonly Case[]): number {
  const player = new Player(cases)
  for (const each of cases) player.play(each)
  player.play({ where: '', command: 'stabilize', input: '', expected: '' })
  const proposed = cases
    .filter(({ command, expected }) => command.startsWith('propose ') && !expected.includes('dropped'))
    .map(({ command }) => command.split(' ')[2])
  const voters = player.nodes.filter(({ core }) => core.state.isVoter)
  for (const { stored, number } of voters) {
    const commands = stored.entries.flatMap(({ body }) => (body.kind === 'command' ? [new TextDecoder().decode(body.command)] : []))
    assert.deepEqual(commands, proposed, `commands at ${number}`)
  }
  return compareMembers(player, cases) + voters.length
}
