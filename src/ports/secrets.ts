/**
 * The secrets of a network's members: the first is what a peer proves itself by, and any of them is
 * accepted from others. Undefined stands for no secret: whoever can dial may join while it is among
 * them.
 */
export type Secrets = readonly [Uint8Array | undefined, ...(Uint8Array | undefined)[]]
