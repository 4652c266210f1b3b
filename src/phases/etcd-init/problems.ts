// What is said when a host cannot become a member: it is there twice, or somebody else's etcd is on it.
import type { Problem } from '../../errors.ts';
import type { HostFacts } from '../../host/host.ts';
import { manifestPath } from '../../kube/paths.ts';
import { etcdPaths } from '../../manifests/etcd-unit.ts';
import type { FoundConfig, HostState } from './survey.ts';

interface Candidate {
  readonly host: string;
  readonly facts: HostFacts;
  readonly name: string;
  readonly address: string;
}

/** Hosts that are one machine, or that the members could not tell apart. */
export function notAlone(all: readonly Candidate[]): readonly Problem[] {
  return all.flatMap((one, index) => {
    const found = all.slice(0, index).flatMap((other) => {
      const shared = sharedBy(one, other);
      return shared === undefined ? [] : [`${other.host} and ${one.host} have the same ${shared}`];
    });
    const nameless = one.name === '' ? [`${one.host} has no host name`] : [];
    return [...found, ...nameless].map((detail) => ({
      code: 'KB_ETCD_HOSTS' as const,
      summary: 'the members of the cluster cannot be distinguished',
      host: one.host,
      detail,
      fix: 'name each machine once, and give each its own host name (hostnamectl set-hostname) and machine-id',
    }));
  });
}

function sharedBy(one: Candidate, other: Candidate): string | undefined {
  if (one.facts.machineId !== '' && one.facts.machineId === other.facts.machineId) return 'machine-id';
  if (one.address === other.address) return `address ${one.address}`;
  return one.name === other.name && one.name !== '' ? `host name ${one.name}` : undefined;
}

/** An etcd, or its data, that kbinit did not make here. */
export function stranger(host: string, state: HostState, dataDir: string): Problem | undefined {
  const problem = (detail: string, fix: string): Problem => ({
    code: 'KB_ETCD_FOREIGN',
    summary: 'the host already runs an etcd not managed by kbinit',
    host,
    detail,
    fix,
  });
  if (state.isStacked) {
    return problem(
      `${manifestPath('etcd')} exists: a control plane runs its own etcd on this host`,
      'take other hosts, or reset the control plane first',
    );
  }
  for (const [path, ownership] of [
    [etcdPaths.unit, state.unit],
    [etcdPaths.config, state.config.ownership],
  ] as const) {
    if (ownership === 'edited') {
      const fix = 'undo that: settings go into --etcd-extra-args; or move the file away, to have it written again';
      return problem(`${path} was edited by hand`, fix);
    }
    if (ownership === 'foreign') {
      return problem(`${path} was not written by kbinit`, `move it away if it is not needed`);
    }
  }
  if (state.unit === 'absent' && state.isActive) {
    return problem(
      'a service etcd runs',
      'stop it (systemctl disable --now etcd) and move its data away, or take other hosts',
    );
  }
  if (state.data === 'none' || (state.data === 'member' && state.config.dataDir === dataDir)) return undefined;
  return problem(
    `${dataDir} is not empty, and does not belong to this cluster according to ${etcdPaths.config}`,
    `move ${dataDir} away if it is not needed; kbinit never overwrites data`,
  );
}

/** kbinit's own, of other members. */
export function otherCluster(
  host: string,
  config: FoundConfig,
  wanted: { readonly cluster: string; readonly dataDir: string },
): Problem {
  const isMoved = config.dataDir !== wanted.dataDir;
  const [there, here] = isMoved ? [config.dataDir, wanted.dataDir] : [config.initialCluster, wanted.cluster];
  return {
    code: 'KB_ETCD_OTHER_CLUSTER',
    summary: 'this host has a member of another etcd cluster',
    host,
    detail: `${etcdPaths.config} has ${there ?? 'nothing'}; requested: ${here}`,
    fix: 'name the same hosts as the first time (--host, --data-dir); `etcd init` does not add or remove members',
  };
}
