// What the phases of `etcd init` share: the hosts, what each of them was found to be, and what one phase finds for a later one.
import type { EtcdAuthority } from '../../certs/etcd-cluster.ts';
import type { EtcdOpener } from '../../cluster/types.ts';
import type { EtcdClusterSpec, EtcdMemberSpec } from '../../config/etcd-cluster.ts';
import type { Artifact, Host, HostView } from '../../host/host.ts';
import type { KubeVersion } from '../../kube/version.ts';
import type { RunContext } from '../context.ts';

/** A host that is to run a member. */
export interface EtcdHost {
  readonly host: Host;
  readonly etcds: EtcdOpener;
  /** What it was reached at: an address or a name; undefined on this machine. */
  readonly reachedAddress?: string;
}

/** A program of this machine that goes to the hosts. */
export interface Upload {
  readonly bytes: Uint8Array;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** Who gets a client certificate: a control-plane host, or a folder on this machine. */
export interface ClientPlace {
  readonly name: string;
  /** What a host was reached at. */
  readonly address?: string;
  /** The folder that the files are below, and the CA's place in it without ending. */
  readonly folder: string;
  readonly caBase: string;
  read(paths: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** True when something was changed. */
  write(artifacts: readonly Artifact[]): Promise<boolean>;
}

/** A host and its member, once preflight has looked at it. */
export interface Member extends EtcdHost, EtcdMemberSpec {
  /** The files of an earlier run, by path. */
  readonly existing: ReadonlyMap<string, string>;
  /** There is a member's data of this very cluster. */
  readonly hasData: boolean;
}

/** etcd's program on a host. */
export interface Program {
  readonly path: string;
  readonly version: KubeVersion;
}

export interface EtcdClusterContext extends RunContext {
  readonly spec: EtcdClusterSpec & { readonly isDryRun: boolean; readonly skipPhases: readonly string[] };
  readonly hosts: readonly EtcdHost[];
  readonly uploads: { readonly etcd?: Upload; readonly etcdctl?: Upload };
  readonly clients: readonly ClientPlace[];
  /** Set by preflight. */
  members: readonly Member[];
  /** Set by programs, in the order of the members. */
  programs: readonly Program[];
  /** Set by certs. */
  authority?: EtcdAuthority;
  /** Names of the hosts that the current phase has changed. */
  readonly touched: Set<string>;
}

/** Tell a sentence about one of the hosts. */
export function stepOn(ctx: EtcdClusterContext, host: Pick<HostView, 'name'>, phase: string, text: string): void {
  ctx.reporter.emit({ kind: 'step', host: host.name, phase, text });
}

/** Do something on all hosts at the same time, and let all end before the first failure is told. */
export async function onAll<T, R>(items: readonly T[], work: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const ended = await Promise.allSettled(items.map((item, index) => work(item, index)));
  const failed = ended.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return ended.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}
