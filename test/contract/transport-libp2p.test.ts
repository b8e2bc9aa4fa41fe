import { NetworkHarness } from './network-harness.ts'
import { transportContract } from './transport.ts'

transportContract('libp2p', async () => new NetworkHarness())
