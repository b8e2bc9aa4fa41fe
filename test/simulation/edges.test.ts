import { test } from 'node:test'
import { EDGE_FACTS } from './edges.ts'

for (const { name, play } of EDGE_FACTS) test(name, play)
