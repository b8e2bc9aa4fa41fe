/** The files of deploy/, and the metrics that they name. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const DEPLOY: string = join(import.meta.dirname, '..', 'deploy')
/** Those that ask for metrics. */
export const METRIC_FILES: readonly string[] = ['alerts.yaml', 'grafana-dashboard.json']
const METRIC = /\b(?:replicator|process|nodejs)_[a-z0-9_]+/g

export function deployed(file: string): string {
  return readFileSync(join(DEPLOY, file), 'utf8')
}

export function metricsNamed(): string[] {
  return METRIC_FILES.flatMap((file) => [...deployed(file).matchAll(METRIC)].map(([name]) => name))
}
