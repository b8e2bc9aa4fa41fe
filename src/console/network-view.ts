/** The network as the asked peer sees it: what is wrong, the figures, and every peer. */
import { html, nothing } from 'lit-html'
import type { TemplateResult } from 'lit-html'
import type { PeerRow, Status } from '../client/client.ts'
import { advise } from './advice.ts'
import { equalityOf, mostBehind, standingOf } from './cluster-words.ts'
import { rateNow } from './history.ts'
import { plots } from './plots.ts'
import type { Network, State } from './state.ts'
import { agoText, bytesText, calledText, countText, milliseconds, plural, rateText, secondsText } from './words.ts'

export function networkView(state: State): TemplateResult {
  const { network } = state
  if (network === undefined) return unseenView(state)
  const { status } = network
  return html`
    <h1 tabindex="-1" class="unseen">Network</h1>
    ${warningList(status)} ${changeNote(network)} ${figures(state, network)}
    <replicator-picture .network=${network}></replicator-picture>
    ${plots(state.samples)}
    <section aria-labelledby="peers-title">
      <h2 id="peers-title">Clusters and peers</h2>
      ${peerTable(network, state.nowMs)}
    </section>
  `
}

/** A token that is kept to some paths opens those in the other views, and not this one. */
function unseenView({ trouble }: State): TemplateResult {
  return html`
    <h1 tabindex="-1">Network</h1>
    ${trouble?.kind === 'forbidden' ? html`<p>${trouble.detail}</p>` : html`<p class="quiet">Asking the peer how it sees the network …</p>`}
  `
}

function warningList({ warnings }: Status): TemplateResult | typeof nothing {
  if (warnings.length === 0) return nothing
  return html`
    <section class="warnings" aria-labelledby="warnings-title">
      <h2 id="warnings-title">${plural(warnings.length, 'warning')}</h2>
      <ul>
        ${advise(warnings).map(
          ({ text, advice, isSerious }) => html`
            <li class=${isSerious ? 'serious' : 'notice'}>
              <span class="unseen">${isSerious ? 'Serious: ' : 'Note: '}</span>
              <p>${text}</p>
              ${advice === undefined ? nothing : html`<p class="advice">${advice}</p>`}
            </li>
          `,
        )}
      </ul>
    </section>
  `
}

/** The change of the voters that is in flight. */
function changeNote({ status, config, peers }: Network): TemplateResult | typeof nothing {
  if (!status.changing) return nothing
  const change = config?.change ?? undefined
  const joining = namesOf(peers, change?.to, change?.from)
  const leaving = namesOf(peers, change?.from, change?.to)
  return html`
    <section class="change" aria-labelledby="change-title">
      <h2 id="change-title">The voters are being changed</h2>
      <p>
        ${joining === '' ? nothing : html`${joining} becomes voter. `}${leaving === '' ? nothing : html`${leaving} leaves. `}
        ${change === undefined ? nothing : html`${change.covered} of ${change.needed} have copied what they must, after ${secondsText(change.startedSecondsAgo)}.`}
      </p>
    </section>
  `
}

type Voters = Readonly<Record<string, readonly string[]>>

/** Voters of one configuration that another has not. */
function namesOf(peers: readonly PeerRow[], these: Voters = {}, those: Voters = {}): string {
  const called = (id: string): string => calledText({ id, name: peers.find((peer) => peer.id === id)?.name ?? null })
  const known = new Set(Object.values(those).flat())
  const found = Object.entries(these).flatMap(([clusterId, ids]) =>
    ids.filter((id) => !known.has(id)).map((id) => `${called(id)} of ${clusterId}`),
  )
  return found.join(', ')
}

function figures({ samples }: State, { status, peers }: Network): TemplateResult {
  const rate = rateNow(samples)
  const there = peers.filter(({ state }) => state === 'self' || state === 'alive').length
  const behind = mostBehind(status)
  const trips = peers.flatMap(({ state, rttMs }) => (state === 'alive' && rttMs !== null ? [rttMs] : []))
  return html`
    <dl class="figures">
      ${figure('Keys', countText(status.keys.count), bytesText(status.keys.bytes))}
      ${figure('New keys a second', rate === undefined ? '–' : rateText(rate), 'in the whole network')}
      ${figure('Behind', behind === undefined ? 'none' : plural(behind.keys, 'key'), behind === undefined ? 'all peers have the same keys' : `for ${secondsText(behind.seconds)}`)}
      ${figure('In doubt', countText(status.inDoubt), status.inDoubt === 0 ? 'nothing open' : 'until a quorum answers')}
      ${figure('Peers there', `${there} of ${peers.length}`, plural(Object.keys(status.quorum).length, 'voting cluster'))}
      ${figure('Longest round trip', trips.length === 0 ? '–' : milliseconds(Math.max(...trips)), 'from this peer')}
    </dl>
  `
}

function figure(name: string, value: string, note: string): TemplateResult {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
    <dd class="note">${note}</dd>
  </div>`
}

function peerTable({ status, peers }: Network, nowMs: number): TemplateResult {
  const byCluster = Map.groupBy(peers.toSorted(inOrder), ({ clusterId }) => clusterId)
  return html`
    <div class="scroll" tabindex="0" role="group" aria-labelledby="peers-title">
      <table>
        <thead>
          <tr>
            <th scope="col">Peer</th>
            <th scope="col">Role</th>
            <th scope="col">State</th>
            <th scope="col" class="number">Round trip</th>
            <th scope="col" class="wide">Seen</th>
          </tr>
        </thead>
        ${[...byCluster].map(
          ([clusterId, members]) =>
            html`<tbody>
              ${clusterRow(status, clusterId)} ${members.map((peer) => peerRow(peer, nowMs))}
            </tbody>`,
        )}
      </table>
    </div>
  `
}

function clusterRow(status: Status, clusterId: string): TemplateResult {
  const { text, kind } = standingOf(status, clusterId)
  const needed = status.quorum[clusterId]?.needed
  return html`
    <tr class="group">
      <th scope="rowgroup" colspan="5">
        <b>${clusterId}</b>
        <span class=${kind === 'good' ? 'quiet' : kind}>${text}${needed === undefined ? nothing : `, ${needed} needed`}</span>
        <span class="quiet">${equalityOf(status, clusterId)}</span>
      </th>
    </tr>
  `
}

function peerRow({ id, name, role, state, rttMs, lastSeenAt }: PeerRow, nowMs: number): TemplateResult {
  return html`
    <tr class=${state}>
      <th scope="row"><span class="id" title=${id}>${calledText({ id, name })}</span></th>
      <td>${role}</td>
      <td><span class="state ${state}">${state === 'self' ? 'this peer' : state}</span></td>
      <td class="number">${rttMs === null || state === 'gone' ? '–' : milliseconds(rttMs)}</td>
      <td class="wide">${state === 'self' || lastSeenAt === null ? '–' : agoText(lastSeenAt, nowMs)}</td>
    </tr>
  `
}

/** By cluster, voters first. */
function inOrder(a: PeerRow, b: PeerRow): number {
  const [one, other] = [a, b].map(({ clusterId, role, id }) => `${clusterId} ${role === 'voter' ? 0 : 1} ${id}`) as [string, string]
  return one < other ? -1 : 1
}
