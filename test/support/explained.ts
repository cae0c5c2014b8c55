import type { ClientBase } from 'pg';
import type { DataSource, QueryRunner } from 'typeorm';

/** The fields of a plan's node that are used here. */
interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly PlanNode[];
}

/** What a statement did when it ran. */
export interface Explained {
  readonly statement: string;
  /** Tables that were read from their beginning to their end. */
  readonly wholeTables: readonly string[];
  /** The most rows that one node read of a table, those it passed over included. */
  readonly mostRead: number;
  /** The node that read them. */
  readonly by: string;
  /** The most rows that were sorted at once. */
  readonly mostSorted: number;
  /** Blocks of tables and indexes that it looked at, those with dead rows only included. */
  readonly blocks: number;
}

/**
 * Runs `work`, and explains its statements on the `DataSource`. Before each statement it runs the same one under
 * EXPLAIN ANALYZE, in the same transaction and with the same settings, and rolls that back.
 */
export async function explained(dataSource: DataSource, work: () => Promise<unknown>): Promise<Explained[]> {
  const found: Explained[] = [];
  const create = dataSource.createQueryRunner.bind(dataSource);
  dataSource.createQueryRunner = (...args) => {
    const runner = create(...args);
    watch(runner, found);
    return runner;
  };
  try {
    await work();
  } finally {
    dataSource.createQueryRunner = create;
  }
  return found;
}

function watch(runner: QueryRunner, found: Explained[]): void {
  watchRoundTrips(runner, found);
  const query = runner.query.bind(runner) as (text: string, parameters?: unknown[]) => Promise<unknown>;
  let isInTransaction = false;
  runner.query = (async (text: string, parameters?: unknown[]) => {
    const control = /^\s*(BEGIN|START|COMMIT|ROLLBACK)/.exec(text)?.[1];
    if (control !== undefined) {
      isInTransaction = control === 'BEGIN' || control === 'START';
      return query(text, parameters);
    }
    await query(isInTransaction ? 'SAVEPOINT explained' : 'BEGIN');
    const [row] = (await query(
      `EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ${text}`,
      parameters,
    )) as {
      'QUERY PLAN': [{ Plan: PlanNode }];
    }[];
    await query(isInTransaction ? 'ROLLBACK TO SAVEPOINT explained' : 'ROLLBACK');
    if (row) found.push(explanationOf(text, row['QUERY PLAN'][0].Plan));
    return query(text, parameters);
  }) as QueryRunner['query'];
}

/** A whole transaction in one text: what begins it, perhaps a statement to prepare, and its execution. */
const WHOLE_TRANSACTION =
  /^(?<begin>BEGIN.*?;)\s+(?<prepare>DO \$once\$.*\$once\$;)?\s*(?<execute>EXECUTE .*); COMMIT$/s;

function watchRoundTrips(runner: QueryRunner, found: Explained[]): void {
  const connect = runner.connect.bind(runner) as () => Promise<ClientBase>;
  const watched = new Set<ClientBase>();
  runner.connect = async () => {
    const client = await connect();
    if (watched.has(client)) return client;
    watched.add(client);
    const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
    client.query = (async (...args: unknown[]) => {
      const { begin, prepare = '', execute } = WHOLE_TRANSACTION.exec(String(args[0]))?.groups ?? {};
      if (begin === undefined || execute === undefined) return query(...args);
      await query(`${begin} ${prepare}`);
      const { rows } = (await query(
        `EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ${execute}`,
      )) as ExplainResult;
      await query('ROLLBACK');
      if (rows[0]) found.push(explanationOf(execute, rows[0]['QUERY PLAN'][0].Plan));
      return query(...args);
    }) as ClientBase['query'];
    return client;
  };
  const release = runner.release.bind(runner);
  runner.release = () => {
    // From now on the method of the prototype is used again.
    for (const client of watched) Reflect.deleteProperty(client, 'query');
    watched.clear();
    return release();
  };
}

interface ExplainResult {
  readonly rows: readonly { readonly 'QUERY PLAN': readonly [{ readonly Plan: PlanNode }] }[];
}

function explanationOf(statement: string, plan: PlanNode): Explained {
  const nodes = nodesOf(plan);
  const scans = nodes.filter((node) => node['Relation Name'] !== undefined);
  const sorts = nodes.filter((node) => node['Node Type'].includes('Sort'));
  const largest = scans.toSorted((one, other) => readBy(other) - readBy(one))[0];
  return {
    statement,
    wholeTables: scans
      .filter((node) => node['Node Type'] === 'Seq Scan')
      .map((node) => node['Relation Name'] ?? ''),
    mostRead: largest ? readBy(largest) : 0,
    by: `${largest?.['Node Type']} ${largest?.['Index Name'] ?? largest?.['Relation Name']}`,
    mostSorted: Math.max(0, ...sorts.map((node) => node['Actual Rows'] * node['Actual Loops'])),
    blocks: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'],
  };
}

function readBy(node: PlanNode): number {
  const passedOver = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
  return (node['Actual Rows'] + passedOver) * node['Actual Loops'];
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}
