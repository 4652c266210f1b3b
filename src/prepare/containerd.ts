// containerd: its configuration in the schema of its version, registry mirrors, its unit where it was uploaded.
import { pauseImage } from '../kube/images.ts';
import { paths } from '../kube/paths.ts';
import { sh } from '../host/shell.ts';
import { file, nothing, unitEntry, type FileAction, type Plan } from './action.ts';
import { distroOf } from './distro.ts';
import { runsNoPods } from './kernel.ts';
import { places } from './places.ts';
import type { PrepareSpec, RegistryMirror } from './spec.ts';
import type { HostState } from './state.ts';

/** Schema 3 came with containerd 2.0 (its docs/PLUGINS.md); older ones know schema 2. */
export function configSchema(containerd: string | undefined): 2 | 3 {
  return containerd !== undefined && Number.parseInt(containerd, 10) < 2 ? 2 : 3;
}

/**
 * Files of an administrator in conf.d are read too: the place for what kbinit has no flag for. containerd 1.x does not
 * merge the sections of a plugin (mergeConfig in its services/server/config): a file there that has one replaces kbinit's.
 */
const imports = 'imports = ["/etc/containerd/conf.d/*.toml"]';

/** The configuration: what Kubernetes needs and no default of containerd gives. */
export function containerdConfig(
  schema: 2 | 3,
  {
    sandbox,
    isSystemd,
    isSelinux,
  }: { readonly sandbox: string; readonly isSystemd: boolean; readonly isSelinux: boolean },
): string {
  const [images, runtime] =
    schema === 2
      ? ['io.containerd.grpc.v1.cri', 'io.containerd.grpc.v1.cri']
      : ['io.containerd.cri.v1.images', 'io.containerd.cri.v1.runtime'];
  const selinux = `  enable_selinux = ${isSelinux}\n`;
  const first =
    schema === 2
      ? `[plugins."${images}"]\n  sandbox_image = "${sandbox}"\n${selinux}`
      : `[plugins."${images}".pinned_images]\n  sandbox = "${sandbox}"\n\n[plugins."${runtime}"]\n${selinux}`;
  const but = schema === 2 ? '\n# (not those of the plugin cri: containerd 1.x would take all of them from there)' : '';
  return `# kbinit host prepare; more settings go into /etc/containerd/conf.d/NAME.toml${but}
version = ${schema}
${imports}

${first}
[plugins."${images}".registry]
  config_path = "${places.containerdCerts}"

[plugins."${runtime}".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."${runtime}".containerd.runtimes.runc.options]
  SystemdCgroup = ${isSystemd}
`;
}

/** Which server is asked first for a registry's images (containerd's docs/hosts.md). */
export function mirrorFile({ registry, url }: RegistryMirror): string {
  const { origin, pathname } = new URL(url);
  const path = pathname.replace(/\/+$/, '');
  const server = registry === 'docker.io' ? 'https://registry-1.docker.io' : `https://${registry}`;
  return [
    '# kbinit host prepare',
    ...(registry === '_default' ? [] : [`server = "${server}"`, '']),
    `[host."${path === '' ? origin : `${origin}/v2${path}`}"]`,
    '  capabilities = ["pull", "resolve"]',
    // A path in it replaces /v2: the registry's own names go below.
    ...(path === '' ? [] : ['  override_path = true']),
    '',
  ].join('\n');
}

/** Upstream's unit, with the program where it was uploaded to. */
function containerdUnit(): string {
  return `# kbinit host prepare; as containerd's own
[Unit]
Description=containerd container runtime
Documentation=https://containerd.io
After=network.target dbus.service

[Service]
ExecStartPre=-/sbin/modprobe overlay
ExecStart=${places.binaries}/containerd
Type=notify
Delegate=yes
KillMode=process
Restart=always
RestartSec=5
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
OOMScoreAdjust=-999

[Install]
WantedBy=multi-user.target
`;
}

/** The schema of a containerd that a dry run has not installed: what Docker has for CentOS 7 is a 1.6. */
function coming(state: HostState): 2 | 3 {
  const distro = distroOf(state);
  return 'unknown' in distro || distro.family !== 'rhel' || distro.release > 7 ? 3 : 2;
}

/** Files, then the service. A run that is cut between them leaves a mark in memory, and the next one finishes. */
export function planContainerd(state: HostState, spec: PrepareSpec): Plan {
  if (runsNoPods(spec)) return nothing;
  const sandbox = pauseImage(spec);
  const isGuessed = spec.isDryRun && spec.source.kind === 'packages' && state.containerdVersion === undefined;
  const config = containerdConfig(isGuessed ? coming(state) : configSchema(state.containerdVersion), {
    sandbox,
    isSystemd: spec.cgroupDriver === 'systemd',
    isSelinux: state.selinux !== 'disabled',
  });
  const unit = spec.source.kind === 'binaries' ? file(state, places.containerdUnit, containerdUnit()) : [];
  const changed = [...unit, ...file(state, places.containerdConfig, config)];
  const mirrors = spec.mirrors.flatMap((mirror) => file(state, mirrorPath(mirror), mirrorFile(mirror)));
  const isPending = state.files.has(places.containerdPending);
  const service = state.units.get('containerd.service');
  const isRight = changed.length === 0 && !isPending && service?.isActive === true && service.enabled === 'enabled';
  const refusal = refusedDriver(state, spec);
  return {
    ...(refusal !== undefined && { refusal }),
    // The mark comes first, so that there is no moment without it.
    actions: [
      ...(changed.length > 0 ? pending(state) : []),
      ...changed,
      ...mirrors,
      ...(spec.formerMirrors ?? []).flatMap((registry) => withoutMirror(state, registry)),
      ...(isRight ? [] : [start(state)]),
    ],
  };
}

/** Only what kbinit made and nobody changed since. */
function withoutMirror(state: HostState, registry: string): Plan['actions'] {
  const path = mirrorPath({ registry });
  const own = state.ledger.find((entry) => entry.kind === 'file' && entry.path === path);
  if (own?.kind !== 'file' || own.existed || state.files.get(path)?.sha256 !== own.after) return [];
  return [{ kind: 'command', command: sh`rm -f -- ${path}`, why: `remove the mirror of ${registry}`, before: [] }];
}

/** Pods that run were made with one driver; a runtime with the other one does not find their cgroups. */
function refusedDriver(state: HostState, { cgroupDriver }: PrepareSpec): Plan['refusal'] {
  const text = state.texts.get(places.containerdConfig);
  if (text === undefined || !state.files.has(paths.kubeletConf)) return undefined;
  const own = /^[^#\n]*\bSystemdCgroup\s*=\s*true\b/m.test(text) ? 'systemd' : 'cgroupfs';
  if (own === cgroupDriver) return undefined;
  return {
    code: 'KB_CGROUP_DRIVER',
    summary: 'the cgroup driver of a node in a cluster cannot be changed under its Pods',
    detail: `${paths.kubeletConf} exists: the host is part of a cluster; containerd uses ${own}, ${cgroupDriver} is asked for; nothing was changed`,
    fix: `keep it with --cgroup-driver ${own}; to change it, take the host out of the cluster with \`kbinit reset\`, prepare it again, and join it with cgroupDriver: ${cgroupDriver} in the KubeletConfiguration`,
  };
}

function pending(state: HostState): readonly FileAction[] {
  return file(state, places.containerdPending, 'containerd has not read its files yet\n', { mode: 0o600 });
}

/** Where the mirror of a registry is told. */
export function mirrorPath({ registry }: Pick<RegistryMirror, 'registry'>): string {
  return `${places.containerdCerts}/${registry}/hosts.toml`;
}

/** Folders that containerd makes when it starts. */
export const runtimeFolders: readonly string[] = [
  '/etc/cni',
  '/etc/cni/net.d',
  '/opt/containerd',
  '/opt/containerd/bin',
  '/opt/containerd/lib',
];

function start(state: HostState): Plan['actions'][number] {
  return {
    kind: 'command',
    command: sh`systemctl daemon-reload && systemctl -q enable containerd && systemctl restart containerd && rm -f -- ${places.containerdPending}`,
    why: 'start containerd with its configuration, now and at boot',
    before: [
      ...runtimeFolders
        .filter((path) => state.missingFolders.has(path))
        .map((path) => ({ kind: 'folder' as const, path })),
      unitEntry(state, 'containerd.service'),
    ],
  };
}
