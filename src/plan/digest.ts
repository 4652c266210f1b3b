// One number for a plan: two plans with the same digest do the same. What is generated in each run counts by its recipe.
import type { Op } from './op.ts';
import { masked, sha256 } from './body.ts';

/** An operation on a host. */
export interface HostOp {
  readonly host: string;
  readonly op: Op;
}

/** JSON with sorted keys and without undefined. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value)
    .filter(([, one]) => one !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`);
  return `{${entries.join(',')}}`;
}

/** Of one operation, hexadecimal. */
export function opDigest({ host, op }: HostOp): string {
  return sha256(masked(canonical({ host, op })));
}

/** Of all, in their order, hexadecimal. */
export function digest(ops: readonly HostOp[]): string {
  return sha256(ops.map(opDigest).join('\n'));
}
