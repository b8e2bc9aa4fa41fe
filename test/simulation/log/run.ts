/** Runs of a log, by whoever wants the core with a bug planted in it. */
export { simulateLog } from './world.ts'
export type { LogRun } from './world.ts'
