/**
 * `<replicator-picture>`: draws the picture as wide as its place. A screen reader gets one sentence
 * of it, because the tables below say the rest.
 */
import { html, nothing, render, svg } from 'lit-html'
import type { TemplateResult } from 'lit-html'
import type { PeerRow, Status } from '../client/client.ts'
import { equalityOf, standingOf } from './cluster-words.ts'
import { layOut, RADIUS, SELF_RADIUS } from './picture.ts'
import type { ClusterBox, PeerNode } from './picture.ts'
import type { Network } from './state.ts'
import { calledText, milliseconds, plural } from './words.ts'

const TEXT_GAP = 14
const INSET = 16
/** From the middle of a line of text to its baseline. */
const BASELINE = 4.5
/** Characters of a name that have room in a box beside a round trip. */
const SHOWN_OF_NAME = 20

export class PictureElement extends HTMLElement {
  #network: Network | undefined
  readonly #observer = new ResizeObserver(() => this.#draw())

  set network(network: Network) {
    this.#network = network
    this.#draw()
  }

  connectedCallback(): void {
    this.#observer.observe(this)
  }

  disconnectedCallback(): void {
    this.#observer.disconnect()
  }

  #draw(): void {
    if (this.#network === undefined || this.clientWidth === 0) return
    const { status, peers } = this.#network
    const { width, height, boxes, links } = layOut(peers, this.clientWidth)
    const comings = comingsOf(status)
    render(
      html`
        <svg width=${width} height=${height} viewBox="0 0 ${width} ${height}" role="img" aria-label=${summary(peers)}>
          ${boxes.map((box) => svg`<rect class="cluster" x=${box.x + 0.5} y=${box.y + 0.5} width=${box.width - 1} height=${box.height - 1} rx="8"></rect>`)}
          ${links.map(({ path, peer }) => svg`<path class="link ${peer.state}" d=${path}></path>`)}
          ${boxes.map((box) => svg`${headOf(box, status)}${box.nodes.map((node) => nodeOf(node, box, comings))}`)}
        </svg>
      `,
      this,
    )
  }
}

function summary(peers: readonly PeerRow[]): string {
  const clusters = Map.groupBy(peers, ({ clusterId }) => clusterId)
  const told = [...clusters].map(([clusterId, members]) => {
    const lost = members.filter(({ state }) => state === 'suspect' || state === 'gone').length
    return `${clusterId} with ${plural(members.length, 'peer')}${lost === 0 ? '' : `, ${lost} of them not reached`}`
  })
  return `Picture of the network from this peer: ${told.join('; ')}. The tables below say the same in full.`
}

function headOf({ clusterId, x, y, width }: ClusterBox, status: Status): TemplateResult {
  const { text, kind } = standingOf(status, clusterId)
  return svg`
    <text class="name" x=${x + INSET} y=${y + 24}>${clusterId}</text>
    <text class="small ${kind === 'good' ? '' : kind}" x=${x + INSET} y=${y + 42}>${text}</text>
    <text class="small" x=${x + width - INSET} y=${y + 42} text-anchor="end">${equalityOf(status, clusterId)}</text>
  `
}

function nodeOf({ peer, x, y, side }: PeerNode, { x: left, width }: ClusterBox, comings: ReadonlyMap<string, string>): TemplateResult {
  const { id, role, state } = peer
  const called = cut(calledText(peer))
  if (side === 'middle') {
    return svg`
      <circle class="ring" cx=${x} cy=${y} r=${SELF_RADIUS + 3}></circle>
      <circle class="node ${role} alive" cx=${x} cy=${y} r=${SELF_RADIUS - 1}></circle>
      <text class="id" x=${x} y=${y + 28} text-anchor="middle">${called}<tspan class="small"> this peer${role === 'learner' ? ', learner' : ''}</tspan></text>
    `
  }
  const [anchor, far, step, edge] =
    side === 'left' ? (['start', 'end', TEXT_GAP, left + width - INSET] as const) : (['end', 'start', -TEXT_GAP, left + INSET] as const)
  const notes = comings.get(id) ?? (role === 'learner' ? 'learner' : '')
  return svg`
    <g class=${state}>
      <title>${peer.name === null ? id : `${peer.name}, ${id}`}</title>
      <circle class="node ${role} ${state}" cx=${x} cy=${y} r=${RADIUS}></circle>
      ${state === 'gone' ? svg`<path class="cross" d="M${x - 3} ${y - 3}l6 6m0 -6l-6 6"></path>` : nothing}
      <text class="id" x=${x + step} y=${y + BASELINE} text-anchor=${anchor}>${called}${notes === '' ? nothing : svg`<tspan class="small"> ${notes}</tspan>`}</text>
      <text class="small ${state}" x=${edge} y=${y + BASELINE} text-anchor=${far}>${tripOf(peer)}</text>
    </g>
  `
}

/** A long name ends in the picture before what stands at the other edge; the table has all of it. */
function cut(name: string): string {
  return name.length <= SHOWN_OF_NAME ? name : `${name.slice(0, SHOWN_OF_NAME - 1)}…`
}

function tripOf({ state, rttMs }: PeerRow): string {
  if (state !== 'alive') return state
  return rttMs === null ? '–' : milliseconds(rttMs)
}

/** Who becomes a voter, or is none any more, by the change in flight. */
function comingsOf({ config }: Status): ReadonlyMap<string, string> {
  if (config?.next === undefined) return new Map()
  const before = new Set(Object.values(config.clusters).flat())
  const after = new Set(Object.values(config.next).flat())
  const joining = [...after].filter((id) => !before.has(id)).map((id) => [id, 'becomes voter'] as const)
  const leaving = [...before].filter((id) => !after.has(id)).map((id) => [id, 'leaves'] as const)
  return new Map([...joining, ...leaving])
}
