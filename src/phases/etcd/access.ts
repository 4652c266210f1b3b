// How a control-plane host reaches its etcd: endpoints and certificates, as the static Pods on that host name them.
import { posix } from 'node:path';
import type { EtcdApi, EtcdOpener } from '../../cluster/types.ts';
import type { HostView } from '../../host/host.ts';
import { manifestPath } from '../../kube/paths.ts';
import { parseStaticPod } from '../cluster/static-pod.ts';

/** The paths of what a client of etcd shows and checks. */
export interface EtcdFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** The member that this host's own static Pod runs. */
export interface LocalMember {
  readonly name: string;
  readonly dataDir: string;
  readonly peerUrl: string;
  /** Where it listens for this host: on the loopback address (spec 04 §3.7). */
  readonly endpoint: string;
  /** Where the members listened when this one was set up; peers' are guessed from their peer URLs. */
  readonly otherEndpoints: readonly string[];
  readonly files: EtcdFiles;
}

/**
 * The member in etcd's manifest, where kubeadm or kbinit wrote it: their Pod mounts its data folder as `etcd-data`.
 * An etcd of anybody else is none of ours, and its data stays where it is (kubeadm#3225).
 */
export function localMember(manifest: string | undefined): LocalMember | undefined {
  const pod = parseStaticPod(manifest);
  if (pod?.name !== 'etcd' || pod.labels['component'] !== 'etcd' || pod.labels['tier'] !== 'control-plane') {
    return undefined;
  }
  const { flags } = pod;
  const dataDir = flags.get('data-dir');
  if (dataDir === undefined || !dataDir.startsWith('/') || pod.hostPaths.get('etcd-data') !== dataDir) return undefined;
  const name = flags.get('name') ?? '';
  const peerUrl = first(flags.get('initial-advertise-peer-urls'));
  const folder = posix.dirname(flags.get('trusted-ca-file') ?? '/etc/kubernetes/pki/etcd/ca.crt');
  return {
    name,
    dataDir,
    peerUrl,
    endpoint: first(flags.get('listen-client-urls')) || 'https://127.0.0.1:2379',
    otherEndpoints: (flags.get('initial-cluster') ?? '').split(',').flatMap((entry) => {
      const [, member = '', url = ''] = /^([^=]+)=(.+)$/.exec(entry) ?? [];
      return url === '' || url === peerUrl || member === name ? [] : [url.replace(/:\d+$/, ':2379')];
    }),
    // The client that kubeadm made for looking after etcd.
    files: {
      ca: `${folder}/ca.crt`,
      cert: `${folder}/healthcheck-client.crt`,
      key: `${folder}/healthcheck-client.key`,
    },
  };
}

/** The etcd that the API server of this host uses; for an external one that is kubeadm-config's `etcd.external`. */
export function apiServerEtcd(
  manifest: string | undefined,
): { readonly endpoints: readonly string[]; readonly files: EtcdFiles } | undefined {
  const flags = parseStaticPod(manifest)?.flags;
  const servers = flags?.get('etcd-servers');
  if (flags === undefined || servers === undefined || servers === '') return undefined;
  const file = (key: keyof EtcdFiles, flag: string): EtcdFiles => {
    const path = flags.get(flag);
    return path === undefined || path === '' ? {} : { [key]: path };
  };
  return {
    endpoints: servers.split(','),
    files: { ...file('ca', 'etcd-cafile'), ...file('cert', 'etcd-certfile'), ...file('key', 'etcd-keyfile') },
  };
}

/** The etcd of a control-plane host. */
export interface HostEtcd {
  /** This host's own member; undefined where etcd is external. */
  readonly local: LocalMember | undefined;
  readonly endpoints: readonly string[];
  readonly files: EtcdFiles;
}

/** Find out from a host's manifests how its etcd is reached; undefined on a host that is no control plane. */
export async function hostEtcd(host: Pick<HostView, 'readAll'>): Promise<HostEtcd | undefined> {
  const [etcdPath, apiServerPath] = [manifestPath('etcd'), manifestPath('kube-apiserver')];
  const texts = await host.readAll([etcdPath, apiServerPath]);
  const local = localMember(texts.get(etcdPath));
  if (local !== undefined) return { local, endpoints: [local.endpoint], files: local.files };
  const external = apiServerEtcd(texts.get(apiServerPath));
  return external === undefined ? undefined : { local, ...external };
}

/** What of these files is not there, or a client that uses them. */
export async function openHostEtcd(
  { host, etcds }: { readonly host: Pick<HostView, 'readAll'>; readonly etcds: EtcdOpener },
  { endpoints, files }: Pick<HostEtcd, 'endpoints' | 'files'>,
): Promise<{ readonly etcd: EtcdApi } | { readonly missing: string }> {
  const wanted = Object.values(files).filter((path) => path !== undefined);
  const texts = await host.readAll(wanted);
  const missing = wanted.find((path) => !texts.has(path));
  if (missing !== undefined) return { missing };
  const text = (key: keyof EtcdFiles): EtcdFiles => {
    const found = texts.get(files[key] ?? '');
    return found === undefined ? {} : { [key]: found };
  };
  return { etcd: etcds.open({ endpoints, ...text('ca'), ...text('cert'), ...text('key') }) };
}

/** The words of an etcdctl that does the same, for a person to run on this host. */
export function etcdctl(endpoint: string, files: EtcdFiles, words: string): string {
  const flag = (name: string, path: string | undefined): string => (path === undefined ? '' : ` --${name}=${path}`);
  return `etcdctl --endpoints=${endpoint}${flag('cacert', files.ca)}${flag('cert', files.cert)}${flag('key', files.key)} ${words}`;
}

/** An id as etcdctl writes it. */
export function hexId(id: string): string {
  return BigInt(id).toString(16);
}

function first(urls: string | undefined): string {
  return urls?.split(',')[0] ?? '';
}
