/**
 * Where everything of the picture lies: the cluster of the asked peer, the others beside or below
 * it, and a link from the asked peer to every other, because what one peer knows of the network is
 * how it reaches the others. Pure arithmetic in pixels.
 */
import type { PeerRow } from '../client/client.ts'

/** From this width on there is room for clusters on both sides; from the other, on one. */
const BOTH_SIDES_FROM = 960
const ONE_SIDE_FROM = 600
const BOX_WIDTH_MAX = 320
/** What the middle column is wider than wanted stays empty: links need it to be told apart. */
const LINKS_WIDTH = 130
const GUTTER = 18
const GAP = 16
const HEAD = 54
const ROW = 26
/** The asked peer has a row of its own, with its name below it. */
const SELF_ROW = 58
const PADDING = 10
const EDGE = 20
const TRUNK = 12
const ROUND = 8
export const RADIUS = 6
export const SELF_RADIUS = 9

/** The side of its box at which a node lies. */
type Side = 'left' | 'right' | 'middle'

export interface PeerNode {
  readonly peer: PeerRow
  readonly x: number
  readonly y: number
  readonly side: Side
}

export interface ClusterBox {
  readonly clusterId: string
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly nodes: readonly PeerNode[]
}

export interface Link {
  readonly peer: PeerRow
  /** As SVG draws it. */
  readonly path: string
}

export interface Picture {
  readonly width: number
  readonly height: number
  readonly boxes: readonly ClusterBox[]
  readonly links: readonly Link[]
}

/** @param width in pixels, of the place where it is drawn */
export function layOut(peers: readonly PeerRow[], width: number): Picture {
  if (peers.length === 0) return { width, height: 0, boxes: [], links: [] }
  const self = peers.find(({ state }) => state === 'self')
  const own = self?.clusterId ?? ''
  const byCluster = [...Map.groupBy(peers.toSorted(inOrder), ({ clusterId }) => clusterId)]
  const others = byCluster.filter(([clusterId]) => clusterId !== own)
  const ownPeers = byCluster.find(([clusterId]) => clusterId === own)?.[1] ?? []
  const boxes = placed(own, ownPeers, others, width)
  const height = Math.max(0, ...boxes.map((box) => box.y + box.height))
  const nodes = boxes.flatMap((box) => box.nodes)
  const from = nodes.find(({ peer }) => peer === self)
  const isStacked = width < ONE_SIDE_FROM
  const home = boxes.find(({ clusterId }) => clusterId === own)
  const links =
    from === undefined || home === undefined
      ? []
      : nodes.filter((node) => node !== from).map((to) => ({ peer: to.peer, path: pathOf(from, to, home, isStacked) }))
  return { width, height, boxes, links }
}

function placed(own: string, ownPeers: readonly PeerRow[], others: readonly Cluster[], width: number): readonly ClusterBox[] {
  if (width < ONE_SIDE_FROM) {
    const first = boxOf(own, ownPeers, GUTTER, 0, width - GUTTER, 'left')
    return [first, ...stack(others, GUTTER, first.height + GAP, width - GUTTER, 'left')]
  }
  const columns = width < BOTH_SIDES_FROM || others.length < 2 ? 2 : 3
  const boxWidth = Math.min(BOX_WIDTH_MAX, (width - (columns - 1) * LINKS_WIDTH) / columns)
  const right = width - boxWidth
  if (columns === 2) return [boxOf(own, ownPeers, 0, 0, boxWidth, 'left'), ...stack(others, right, 0, boxWidth, 'left')]
  const half = Math.ceil(others.length / 2)
  return [
    boxOf(own, ownPeers, (width - boxWidth) / 2, 0, boxWidth, 'left'),
    ...stack(others.slice(0, half), 0, 0, boxWidth, 'right'),
    ...stack(others.slice(half), right, 0, boxWidth, 'left'),
  ]
}

type Cluster = readonly [clusterId: string, peers: readonly PeerRow[]]

function stack(clusters: readonly Cluster[], x: number, y: number, width: number, side: Side): ClusterBox[] {
  let top = y
  return clusters.map(([clusterId, peers]) => {
    const made = boxOf(clusterId, peers, x, top, width, side)
    top += made.height + GAP
    return made
  })
}

function boxOf(clusterId: string, peers: readonly PeerRow[], x: number, y: number, width: number, side: Side): ClusterBox {
  let top = y + HEAD
  const nodes = peers.map((peer): PeerNode => {
    const isSelf = peer.state === 'self'
    const node = {
      peer,
      x: isSelf ? x + width / 2 : side === 'left' ? x + EDGE : x + width - EDGE,
      y: top + (isSelf ? SELF_RADIUS + 4 : ROW / 2),
      side: isSelf ? 'middle' : side,
    } as const
    top += isSelf ? SELF_ROW : ROW
    return node
  })
  return { clusterId, x, y, width, height: top + PADDING - y, nodes }
}

/** Within a cluster, and where clusters lie below one another, links keep to a trunk on the left. */
function pathOf(from: PeerNode, to: PeerNode, home: ClusterBox, isStacked: boolean): string {
  const isOwn = to.peer.clusterId === home.clusterId
  if (isOwn || isStacked) return trunkPath(from, to, isOwn ? to.x - TRUNK : to.x - EDGE - TRUNK)
  const isToRight = to.x > from.x
  const [startX, edgeX, endX] = isToRight
    ? [from.x + SELF_RADIUS, home.x + home.width, to.x - RADIUS]
    : [from.x - SELF_RADIUS, home.x, to.x + RADIUS]
  const bendX = (edgeX + endX) / 2
  return `M${startX} ${from.y}H${edgeX}C${bendX} ${from.y} ${bendX} ${to.y} ${endX} ${to.y}`
}

function trunkPath(from: PeerNode, to: PeerNode, x: number): string {
  const down = `M${from.x - SELF_RADIUS} ${from.y}H${x + ROUND}Q${x} ${from.y} ${x} ${from.y + ROUND}`
  return `${down}V${to.y - ROUND}Q${x} ${to.y} ${x + Math.min(ROUND, to.x - RADIUS - x)} ${to.y}H${to.x - RADIUS}`
}

/** The asked peer first, then voters; clusters by their names. */
function inOrder(a: PeerRow, b: PeerRow): number {
  const [one, other] = [a, b].map(
    ({ clusterId, state, role, id }) => `${clusterId} ${state === 'self' ? 0 : 1} ${role === 'voter' ? 0 : 1} ${id}`,
  ) as [string, string]
  return one < other ? -1 : 1
}
