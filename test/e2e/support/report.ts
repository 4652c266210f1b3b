// Reads what preflight prints with `-o json`.
import type { KbinitResult } from '../support.ts';

export interface Report {
  readonly hosts: readonly {
    readonly host: string;
    readonly ok: boolean;
    readonly checks: readonly {
      readonly name: string;
      readonly outcome: string;
      readonly found?: string;
      readonly do?: string;
    }[];
  }[];
}

function isReport(value: unknown): value is Report {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'PreflightReport';
}

/** @throws Error when there is none */
export function readReport({ stdout, stderr }: Pick<KbinitResult, 'stdout' | 'stderr'>): Report {
  const report: unknown = stdout.trim() === '' ? undefined : JSON.parse(stdout);
  if (!isReport(report)) throw new Error(`no report: ${stdout}${stderr}`);
  return report;
}

/** The outcome of every check by its name; of several the worst. */
export function outcomes(result: Pick<KbinitResult, 'stdout' | 'stderr'>, host?: string): ReadonlyMap<string, string> {
  const order = ['passed', 'warning', 'error'];
  const found = new Map<string, string>();
  const hosts = readReport(result).hosts.filter((one) => host === undefined || one.host === host);
  for (const { name, outcome } of hosts.flatMap(({ checks }) => checks)) {
    if (order.indexOf(outcome) >= order.indexOf(found.get(name) ?? 'passed')) found.set(name, outcome);
  }
  return found;
}
