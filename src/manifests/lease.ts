// A coordination.k8s.io Lease: who holds a turn, until when unless it is renewed, and what was read of one.
import type { KubeObject } from './object.ts';

/** What a Lease says. */
export interface LeaseState {
  /** '' = nobody. */
  readonly holder: string;
  readonly seconds: number;
  readonly acquiredAt: Date;
  readonly renewedAt: Date;
  /** How often it changed hands. */
  readonly transitions: number;
}

export interface LeaseName {
  readonly namespace: string;
  readonly name: string;
}

/** Where the Lease is. */
export function leaseRef(name: LeaseName): LeaseName & { readonly apiVersion: string; readonly kind: 'Lease' } {
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', ...name };
}

/** The object; with `resourceVersion` only that version of it may be replaced. */
export function leaseObject(name: LeaseName, state: LeaseState, resourceVersion?: string): KubeObject {
  const { apiVersion, kind } = leaseRef(name);
  return {
    apiVersion,
    kind,
    metadata: { ...name, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
    spec: {
      holderIdentity: state.holder,
      leaseDurationSeconds: state.seconds,
      acquireTime: microTime(state.acquiredAt),
      renewTime: microTime(state.renewedAt),
      leaseTransitions: state.transitions,
    },
  };
}

/** What an object says; whatever it leaves out counts as nothing. */
export function readLease(object: KubeObject): LeaseState {
  const spec = object['spec'];
  const fields: ReadonlyMap<string, unknown> = new Map(
    typeof spec === 'object' && spec !== null ? Object.entries(spec) : [],
  );
  const text = (key: string): string => {
    const value = fields.get(key);
    return typeof value === 'string' ? value : '';
  };
  const number = (key: string): number => {
    const value = fields.get(key);
    return typeof value === 'number' ? value : 0;
  };
  return {
    holder: text('holderIdentity'),
    seconds: number('leaseDurationSeconds'),
    acquiredAt: new Date(text('acquireTime')),
    renewedAt: new Date(text('renewTime')),
    transitions: number('leaseTransitions'),
  };
}

/** metav1.MicroTime: six decimals. */
function microTime(time: Date): string {
  return time.toISOString().replace(/Z$/, '000Z');
}
