// HostFiles: the files, folders and sockets of the host that the configuration names are there, and the components see them.
import { certificatePlan, pkiPaths } from '../../certs/plan.ts';
import type { Arg, InitSpec, NodeRegistration } from '../../config/spec.ts';
import type { HostFacts } from '../../host/host.ts';
import { kubeconfigFileNames } from '../../kubeconfig/files.ts';
import { paths, type StaticPod } from '../../kube/paths.ts';
import { apiserverPod } from '../../manifests/apiserver.ts';
import { controllerManagerPod } from '../../manifests/controller-manager.ts';
import { etcdPod } from '../../manifests/etcd.ts';
import type { PatchFile } from '../../manifests/patches.ts';
import {
  hostMounts,
  hostPathOf,
  isMadeInPod,
  podArguments,
  readPod,
  type HostMount,
} from '../../manifests/pod-paths.ts';
import { staticPodArtifact, type PodContext } from '../../manifests/pod.ts';
import { schedulerPod } from '../../manifests/scheduler.ts';
import { isJsonObject, type JsonObject } from '../../util/json.ts';
import { error, type Check, type Finding } from '../check.ts';
import type { PathKind } from '../path-kinds.ts';

const name = 'HostFiles';

/** Something of the host that is to be there. */
interface Wanted {
  readonly path: string;
  readonly kind: PathKind;
  /** It may be missing: whoever mounts it creates it. */
  readonly isCreated?: true;
  /** `--audit-policy-file of kube-apiserver` */
  readonly who: string;
  readonly field: string;
}

/** What is wrong with the configuration itself: a container would not see the file, whatever is on the host. */
interface Unseen {
  readonly path: string;
  readonly who: string;
  readonly component: StaticPod;
}

/** The node that the static Pods are rendered for. */
type ControlPlaneSpec = Pick<InitSpec, 'cluster' | 'node' | 'localAPIEndpoint' | 'timeouts'>;

/** Of the static Pods as they will be written, patches and all: what their flags and volumes name. */
export function podFiles(
  spec: ControlPlaneSpec,
  host: Pick<HostFacts, 'caDirectories' | 'proxyEnvironment'>,
  patches: readonly PatchFile[] = [],
): Check {
  const own = ownFiles(spec);
  const found = renderPods(spec, host, patches).map((pod) => filesOf(pod, own));
  const unseen = found.flatMap((one) => one.unseen);
  const wanted = found.flatMap((one) => one.wanted);
  const check = checkOf(wanted);
  return {
    ...check,
    run: (seen) => [...unseen.map((one) => unseenFinding(one, seen.survey.kinds.get(one.path))), ...check.run(seen)],
    asks: { kinds: [...new Set([...unseen, ...wanted].map(({ path }) => path))] },
  };
}

/** What the kubelet's flags and, where it is known, its configuration name. */
export function kubeletFiles(
  node: Pick<NodeRegistration, 'kubeletExtraArgs'>,
  caPath: string,
  document: Readonly<Record<string, unknown>> = {},
): Check {
  const own = new Set<string>([
    caPath,
    paths.kubeletConf,
    paths.bootstrapKubeletConf,
    paths.kubeletConfig,
    paths.kubeletInstanceConfig,
  ]);
  const x509 = at(at(document, 'authentication'), 'x509');
  const fields = [
    ['tlsCertFile', document['tlsCertFile']],
    ['tlsPrivateKeyFile', document['tlsPrivateKeyFile']],
    ['authentication.x509.clientCAFile', at(x509, 'clientCAFile')],
  ] as const;
  const ofFlags = node.kubeletExtraArgs.flatMap((arg) => {
    const kind = kindOf(arg.name);
    const [path = ''] = pathsIn(arg);
    const field = 'nodeRegistration.kubeletExtraArgs';
    return kind === undefined || path === '' ? [] : [{ path, kind, who: `--${arg.name} of the kubelet`, field }];
  });
  const ofFields = fields.flatMap(([field, path]): Wanted[] =>
    typeof path === 'string' && path.startsWith('/')
      ? [{ path, kind: 'file', who: `${field} of the KubeletConfiguration`, field }]
      : [],
  );
  return checkOf([...ofFlags, ...ofFields].filter(({ path }) => !own.has(path)));
}

function at(value: unknown, key: string): unknown {
  return isJsonObject(value) ? value[key] : undefined;
}

function checkOf(wanted: readonly Wanted[]): Check {
  return {
    name,
    asks: { kinds: [...new Set(wanted.map(({ path }) => path))] },
    run: ({ survey }) => wanted.flatMap((one) => judge(one, survey.kinds.get(one.path))),
  };
}

function judge({ path, kind, isCreated, who, field }: Wanted, seen: PathKind | undefined): readonly Finding[] {
  if (seen === undefined || seen === kind || (seen === 'missing' && isCreated === true)) return [];
  const text = `${path} ${seen === 'missing' ? 'does not exist' : `is a ${seen}, not a ${kind}`} (${who})`;
  return [error(name, text, `put the ${kind} there, or correct ${field}`)];
}

function unseenFinding({ path, who, component }: Unseen, seen: PathKind | undefined): Finding {
  const volumes = component === 'etcd' ? 'a patch of etcd' : `${fieldOf(component)}.extraVolumes`;
  const missing = seen === 'missing' ? ', and it does not exist' : '';
  const fix = `mount it with ${volumes}${seen === 'missing' ? ', and put it on the host' : ''}`;
  return error(name, `${path} is not mounted into the container of ${component}${missing} (${who})`, fix);
}

/** What the phases before the static Pods write. */
function ownFiles(spec: ControlPlaneSpec): ReadonlySet<string> {
  const { cluster } = spec;
  const { etcd } = cluster;
  return new Set([
    ...pkiPaths(certificatePlan(spec), cluster.certificatesDir),
    ...kubeconfigFileNames(cluster.version).map((file) => `${paths.kubernetes}/${file}`),
    // These have a check of kubeadm's own.
    ...(etcd.kind === 'external' ? [etcd.caFile, etcd.certFile, etcd.keyFile] : []),
  ]);
}

interface RenderedPod {
  readonly component: StaticPod;
  readonly pod: JsonObject;
}

function renderPods(
  { cluster, node, localAPIEndpoint, timeouts }: ControlPlaneSpec,
  { caDirectories, proxyEnvironment }: Pick<HostFacts, 'caDirectories' | 'proxyEnvironment'>,
  patches: readonly PatchFile[],
): readonly RenderedPod[] {
  const host = { caDirectories, proxyEnvironment };
  const context: PodContext = { cluster, node, endpoint: localAPIEndpoint, timeouts, host };
  const pods = [
    ['kube-apiserver', apiserverPod],
    ['kube-controller-manager', controllerManagerPod],
    ['kube-scheduler', schedulerPod],
    ...(cluster.etcd.kind === 'external' ? [] : ([['etcd', etcdPod]] as const)),
  ] as const;
  return pods.flatMap(([component, render]) => {
    const pod = readPod(staticPodArtifact(render(context), patches).body);
    return pod === undefined ? [] : [{ component, pod }];
  });
}

function filesOf(
  { component, pod }: RenderedPod,
  own: ReadonlySet<string>,
): { readonly wanted: readonly Wanted[]; readonly unseen: readonly Unseen[] } {
  const wanted: Wanted[] = [];
  const unseen: Unseen[] = [];
  const mounts = hostMounts(pod);
  for (const { flag, value } of podArguments(pod)) {
    const kind = kindOf(flag.slice(2));
    if (kind === undefined) continue;
    const who = `${flag} of ${component}`;
    for (const path of pathsIn({ name: flag.slice(2), value })) {
      if (own.has(path) || isMadeInPod(pod, path)) continue;
      const onHost = hostPathOf(pod, path);
      if (onHost === undefined) unseen.push({ path, who, component });
      else if (!own.has(onHost) && !isCreatedBy(mounts, onHost)) {
        wanted.push({ path: onHost, kind, who, field: `${fieldOf(component)}.extraArgs` });
      }
    }
  }
  const field = `${fieldOf(component)}.extraVolumes`;
  const told = new Set(wanted.map(({ path }) => path));
  for (const mount of mounts) {
    const known = volumeKinds[mount.type];
    if (known === undefined || own.has(mount.hostPath) || told.has(mount.hostPath)) continue;
    wanted.push({ path: mount.hostPath, ...known, who: `a volume of ${component}, pathType ${mount.type}`, field });
  }
  return { wanted, unseen };
}

/** The kubelet makes an empty file of it: nothing to read, and no failure to open it. */
function isCreatedBy(mounts: readonly HostMount[], path: string): boolean {
  return mounts.some(({ hostPath, type }) => hostPath === path && type === 'FileOrCreate');
}

/** By the type of a hostPath volume what has to be there; the runtime makes a folder of what has none. */
const volumeKinds: Readonly<Record<string, Pick<Wanted, 'kind' | 'isCreated'>>> = {
  File: { kind: 'file' },
  FileOrCreate: { kind: 'file', isCreated: true },
  Directory: { kind: 'directory' },
  DirectoryOrCreate: { kind: 'directory', isCreated: true },
  Socket: { kind: 'socket' },
  CharDevice: { kind: 'character device' },
  BlockDevice: { kind: 'block device' },
};

/** Flags whose files are read although their names do not end as those of files do. */
const readFiles: ReadonlySet<string> = new Set([
  'admission-control-config-file',
  'authentication-config',
  'authorization-config',
  'cloud-config',
  'config',
  'encryption-provider-config',
  'image-credential-provider-config',
  'kubelet-certificate-authority',
  'kubelet-client-certificate',
  'kubelet-client-key',
  'resolv-conf',
  'tls-sni-cert-key',
]);

const folders: ReadonlySet<string> = new Set(['config-dir', 'image-credential-provider-bin-dir']);

/** Files that a component writes. */
const writtenFiles: ReadonlySet<string> = new Set(['log-file', 'lock-file', 'pid-file']);

function kindOf(flag: string): PathKind | undefined {
  if (flag === 'service-account-signing-endpoint') return 'socket';
  if (folders.has(flag)) return 'directory';
  const isRead = readFiles.has(flag) || /(?:^|-)(?:\w*file|kubeconfig)$/.test(flag);
  return isRead && !writtenFiles.has(flag) ? 'file' : undefined;
}

/** `--tls-sni-cert-key=CERT,KEY:domain,domain` has two. */
function pathsIn({ name: flag, value }: Arg): readonly string[] {
  const all = flag === 'tls-sni-cert-key' ? (value.split(':')[0] ?? '').split(',') : [value];
  return all.filter((path) => path.startsWith('/'));
}

function fieldOf(component: StaticPod): string {
  switch (component) {
    case 'kube-apiserver':
      return 'apiServer';
    case 'kube-controller-manager':
      return 'controllerManager';
    case 'kube-scheduler':
      return 'scheduler';
    case 'etcd':
      return 'etcd.local';
    default:
      return component satisfies never;
  }
}
