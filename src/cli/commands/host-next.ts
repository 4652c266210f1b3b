// What comes after `kbinit host prepare`: the command for hosts of these roles, with what was said of them already.
import { quote } from '../../host/shell.ts';
import { newestVersion } from '../../kube/releases.ts';
import { formatVersion } from '../../kube/version.ts';
import type { PrepareSpec } from '../../prepare/spec.ts';
import type { SshFlags } from '../run/ssh-session.ts';
import { sshWords } from '../run/suggest.ts';

/** How the hosts were reached, as typed. */
export interface NextHosts extends SshFlags {
  readonly hosts: readonly string[];
}

/** A few lines with the next command; what is still to be filled in is in capitals. */
export function nextStep(spec: PrepareSpec, to: NextHosts): string {
  const version = formatVersion(spec.version);
  const many = to.hosts.length > 1;
  if (spec.roles.includes('control-plane')) {
    const others = many
      ? `${joining} --control-plane on every other control plane, using the command printed by init.`
      : '';
    return lines(`Next, a control plane of ${version}:`, initCommand(spec, to), others);
  }
  if (spec.roles.includes('worker')) {
    const join = ['kbinit', 'join', 'ENDPOINT', ...over(to, to.hosts), '--token-file', 'FILE'];
    const hash = ['--discovery-token-ca-cert-hash', 'sha256:HASH'];
    return lines(
      `Next, ${many ? 'workers' : 'a worker'} of ${version}, with what init printed:`,
      [...join, ...hash].map(quote).join(' '),
    );
  }
  const command = spec.roles.includes('etcd') ? ['etcd', 'init'] : ['lb', 'apply'];
  return lines('Next:', ['kbinit', ...command, ...over(to, to.hosts), 'FLAGS'].map(quote).join(' '));
}

const joining = 'Then `kbinit join` with';

function initCommand(spec: PrepareSpec, to: NextHosts): string {
  const newest = formatVersion(newestVersion());
  const version = formatVersion(spec.version);
  const [first] = to.hosts;
  const words = [
    'kbinit',
    'init',
    ...over(to, first === undefined ? [] : [first]),
    ...(version === newest ? [] : ['--kubernetes-version', version]),
    ...(spec.imageRepository === 'registry.k8s.io' ? [] : ['--image-repository', spec.imageRepository]),
    ...(spec.apiPort === 6443 ? [] : ['--apiserver-bind-port', `${spec.apiPort}`]),
    // Without it no other control plane can join later.
    ...(to.hosts.length > 1 ? ['--control-plane-endpoint', `NAME:${spec.apiPort}`, '--upload-certs'] : []),
    '--pod-network-cidr',
    spec.podSubnets.join(','),
    '--cni',
    'flannel',
    ...(spec.flannelBackend === 'vxlan' ? [] : ['--backend', spec.flannelBackend]),
  ];
  return words.map(quote).join(' ');
}

/** The flags that lead to hosts. */
function over(to: NextHosts, hosts: readonly string[]): readonly string[] {
  return [...hosts.flatMap((host) => ['--host', host]), ...sshWords(to).flat()];
}

function lines(title: string, command: string, after = ''): string {
  return `\n${title}\n  ${command}\n${after === '' ? '' : `${after}\n`}`;
}
