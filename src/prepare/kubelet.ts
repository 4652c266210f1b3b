// The kubelet's unit and drop-in, crictl's configuration, and who leaves the Pods' interfaces alone.
import { containerdSocket } from '../host/runtime.ts';
import { sh } from '../host/shell.ts';
import { file, nothing, unitEntry, type Plan } from './action.ts';
import { distroOf } from './distro.ts';
import { runsNoPods } from './kernel.ts';
import { places } from './places.ts';
import type { PrepareSpec } from './spec.ts';
import type { HostState } from './state.ts';

/** As the package's own (kubernetes/release, cmd/krel/templates/latest/kubelet). */
function kubeletUnit(program: string): string {
  return `# kbinit host prepare
[Unit]
Description=kubelet: The Kubernetes Node Agent
Documentation=https://kubernetes.io/docs/
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=${program}
Restart=always
StartLimitInterval=0
RestartSec=10

[Install]
WantedBy=multi-user.target
`;
}

/** What kubeadm's package brings: without kubeadm somebody else has to. UMask: files of Pods must not depend on the host's (R25). */
function kubeletDropIn(program: string, defaults: string): string {
  return `# kbinit host prepare; as kubeadm's package has it
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
# Written by init and join.
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
# The administrator's own, a last resort.
EnvironmentFile=-${defaults}
UMask=0022
ExecStart=
ExecStart=${program} $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
`;
}

/** Folders that init, join and the kubelet make, and a reset leaves. */
export const clusterFolders: readonly string[] = [
  '/etc/kubernetes',
  '/etc/kubernetes/manifests',
  '/etc/kubernetes/pki',
  '/etc/kubernetes/pki/etcd',
  '/etc/kubernetes/tmp',
];

/** Its files, and started at boot; init and join start it when it has something to do. */
export function planKubelet(state: HostState, spec: PrepareSpec): Plan {
  if (runsNoPods(spec)) return nothing;
  const distro = distroOf(state);
  const isUploaded = spec.source.kind === 'binaries';
  const program = isUploaded ? `${places.binaries}/kubelet` : '/usr/bin/kubelet';
  const defaults =
    'unknown' in distro || distro.family === 'debian' ? '/etc/default/kubelet' : '/etc/sysconfig/kubelet';
  const files = [
    ...(isUploaded ? file(state, places.kubeletUnit, kubeletUnit(program)) : []),
    ...file(state, places.kubeletDropIn, kubeletDropIn(program, defaults)),
  ];
  const isEnabled = state.units.get('kubelet.service')?.enabled === 'enabled';
  return {
    actions: [
      ...files,
      ...(files.length === 0 && isEnabled
        ? []
        : [
            {
              kind: 'command' as const,
              command: sh`systemctl daemon-reload && systemctl -q enable kubelet`,
              why: 'start the kubelet at boot',
              before: [
                ...clusterFolders
                  .filter((path) => state.missingFolders.has(path))
                  .map((path) => ({ kind: 'folder' as const, path })),
                unitEntry(state, 'kubelet.service'),
              ],
            },
          ]),
    ],
  };
}

/** Which runtime crictl asks. */
export function planCrictl(state: HostState, spec: PrepareSpec): Plan {
  if (runsNoPods(spec)) return nothing;
  return {
    actions: file(
      state,
      places.crictl,
      `runtime-endpoint: ${containerdSocket}\nimage-endpoint: ${containerdSocket}\ntimeout: 10\n`,
    ),
  };
}

/** NetworkManager takes over every interface that it is not told to leave (kubernetes/kubernetes#35535, flannel#2055). */
export function planNetworkManager(state: HostState, spec: PrepareSpec): Plan {
  if (runsNoPods(spec) || state.units.get('NetworkManager.service')?.isActive !== true) return nothing;
  const names = ['cni*', 'veth*', 'flannel*', 'cali*', 'tunl*', 'kube-*'].map((name) => `interface-name:${name}`);
  const files = file(
    state,
    places.networkManager,
    `# kbinit host prepare\n[keyfile]\nunmanaged-devices+=${names.join(';')}\n`,
  );
  if (files.length === 0) return nothing;
  return {
    actions: [
      ...files,
      {
        kind: 'command',
        command: sh`systemctl reload NetworkManager`,
        why: 'reload NetworkManager',
        before: [],
        isOptional: true,
      },
    ],
  };
}
