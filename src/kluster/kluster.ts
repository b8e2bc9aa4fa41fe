/**
 * `@replicator/peer/kluster`: a client of databases that Kafka keeps in one order. What is exported
 * here is kept to; what lies behind it may change.
 */
export { cluster } from './cluster.ts'
export type { Cluster, ClusterInit, ExecOptions, QueryOptions, SqlParams, Statement } from './cluster.ts'
export type { Answer, Outcome, SqlResult } from './outcomes.ts'
