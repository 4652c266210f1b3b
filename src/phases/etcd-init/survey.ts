// One look at a host that is to run an etcd member: whose files, data and service are there.
import type { EtcdClusterSpec } from '../../config/etcd-cluster.ts';
import type { HostView } from '../../host/host.ts';
import { script, sh } from '../../host/shell.ts';
import { manifestPath } from '../../kube/paths.ts';
import { etcdPaths, etcdVariable } from '../../manifests/etcd-unit.ts';
import { ownershipOf, type Ownership } from '../../manifests/own-file.ts';

export interface HostState {
  readonly config: FoundConfig;
  readonly unit: Ownership | 'absent';
  /** A static Pod of a control plane runs etcd there. */
  readonly isStacked: boolean;
  readonly isActive: boolean;
  readonly data: 'none' | 'member' | 'other';
}

/** The member's configuration of an earlier run. */
export interface FoundConfig {
  readonly ownership: Ownership | 'absent';
  readonly name?: string;
  readonly initialCluster?: string;
  readonly dataDir?: string;
}

const look = script`
systemctl is-active etcd.service 2>/dev/null || true
if [ -d "$1/member" ]; then echo member
elif [ -d "$1" ] && [ -n "$(ls -A "$1")" ]; then echo other
else echo none
fi
`;

/** Ask one host. */
export async function stateOf(host: HostView, { dataDir }: Pick<EtcdClusterSpec, 'dataDir'>): Promise<HostState> {
  const [files, { stdout }] = await Promise.all([
    host.readAll([etcdPaths.config, etcdPaths.unit, manifestPath('etcd')]),
    host.probe(sh`set -- ${dataDir}; ${look}`),
  ]);
  const [active = '', data = ''] = stdout.split('\n');
  const unit = files.get(etcdPaths.unit);
  return {
    config: readConfig(files.get(etcdPaths.config)),
    unit: unit === undefined ? 'absent' : ownershipOf(unit),
    isStacked: files.has(manifestPath('etcd')),
    isActive: active === 'active' || active === 'activating',
    data: data === 'member' || data === 'other' ? data : 'none',
  };
}

function readConfig(text: string | undefined): FoundConfig {
  if (text === undefined) return { ownership: 'absent' };
  const ownership = ownershipOf(text);
  if (ownership === 'foreign') return { ownership };
  const value = (flag: string): string | undefined => {
    const start = `${etcdVariable(flag)}=`;
    return text
      .split('\n')
      .find((line) => line.startsWith(start))
      ?.slice(start.length);
  };
  const [name, initialCluster, dataDir] = [value('name'), value('initial-cluster'), value('data-dir')];
  return {
    ownership,
    ...(name === undefined ? {} : { name }),
    ...(initialCluster === undefined ? {} : { initialCluster }),
    ...(dataDir === undefined ? {} : { dataDir }),
  };
}
