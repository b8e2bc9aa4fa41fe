/**
 * What a run covered: a simulator that does little finds little, so a run that covered too little
 * fails.
 */
export interface Coverage {
  operations: number
  answered: number
  created: number
  contendedKeys: number
  /** Keys that were chosen as they were offered, without a reserve among all. */
  offersChosen: number
  /** Configs decided while clients were at work. */
  changesUnderLoad: number
  withdrawals: number
  /**
   * Changes that operators asked for, those of them that were answered as done, and peers killed
   * while they had one in hand.
   */
  requests: number
  requestsDone: number
  proposersKilled: number
  /** Faults that struck while some key was accepted somewhere and not chosen. */
  faultsInDoubt: number
  faults: number
  crashes: number
  powerLosses: number
  wipes: number
  fullDisks: number
  /**
   * Old and new voters that lost each other while joint, and times that all stood still together.
   */
  jointCuts: number
  sleeps: number
  failedSyncs: number
  lostWrites: number
  probes: number
  votes: number
  messages: number
  simulatedMs: number
}

export function noCoverage(): Coverage {
  return {
    operations: 0,
    answered: 0,
    created: 0,
    contendedKeys: 0,
    offersChosen: 0,
    changesUnderLoad: 0,
    withdrawals: 0,
    requests: 0,
    requestsDone: 0,
    proposersKilled: 0,
    faultsInDoubt: 0,
    faults: 0,
    crashes: 0,
    powerLosses: 0,
    wipes: 0,
    fullDisks: 0,
    jointCuts: 0,
    sleeps: 0,
    failedSyncs: 0,
    lostWrites: 0,
    probes: 0,
    votes: 0,
    messages: 0,
    simulatedMs: 0,
  }
}

/** Adds what another run covered. */
export function addCoverage(sum: Coverage, other: Coverage): void {
  for (const name of Object.keys(sum) as (keyof Coverage)[]) sum[name] += other[name]
}

/** What is short of what so many seeds usually cover by far; empty when nothing is. */
export function shortfalls(coverage: Coverage, seeds: number): string[] {
  // A few seeds may by chance have none of something.
  if (seeds < 50) return []
  const least: Partial<Record<keyof Coverage, number>> = {
    operations: seeds * 40,
    created: seeds * 5,
    contendedKeys: seeds * 2,
    offersChosen: seeds,
    changesUnderLoad: seeds / 4,
    requestsDone: seeds / 4,
    proposersKilled: seeds / 8,
    faultsInDoubt: seeds / 2,
    crashes: seeds / 2,
    powerLosses: seeds / 20,
    wipes: seeds / 20,
    fullDisks: seeds / 20,
    jointCuts: seeds / 20,
    sleeps: seeds / 20,
    probes: seeds * 100,
  }
  const names = Object.keys(least) as (keyof Coverage)[]
  return names.filter((name) => coverage[name] < (least[name] ?? 0)).map((name) => `${name}: only ${coverage[name]}`)
}

export function describeCoverage(coverage: Coverage): string {
  const { operations, contendedKeys, changesUnderLoad, withdrawals, faultsInDoubt, faults, wipes, crashes, powerLosses } = coverage
  return [
    `${operations} client operations`,
    `${contendedKeys} contended keys`,
    `${coverage.offersChosen} chosen as offered`,
    `${changesUnderLoad} configuration changes under load (${withdrawals} withdrawals tried)`,
    `${coverage.requests} changes asked for, ${coverage.requestsDone} told done, ${coverage.proposersKilled} proposers killed`,
    `${faults} faults, ${faultsInDoubt} of them while a key was in doubt`,
    `${wipes} wipes`,
    `${coverage.fullDisks} disks full`,
    `${coverage.jointCuts} links lost while joint`,
    `${coverage.sleeps} times all asleep`,
    `${crashes} crashes`,
    `${powerLosses} power losses everywhere`,
    `${coverage.probes} quorum probes`,
    `${coverage.messages} messages`,
    `${(coverage.simulatedMs / 3_600_000).toFixed(2)} simulated hours`,
  ].join(', ')
}
