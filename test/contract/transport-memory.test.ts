import { MemoryHub } from './memory-transport.ts'
import { Told, identityOf, transportContract } from './transport.ts'

transportContract('in memory', async () => {
  const hub = new MemoryHub()
  let count = 0
  return {
    join: async () => {
      count += 1
      const self = identityOf(`peer-${count}`)
      const told = new Told(self)
      return { self, told, transport: hub.join(self.peerId, told) }
    },
    close: async () => {},
  }
})
