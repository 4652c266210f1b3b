// Known causes of a component that does not come up: whose words show it, how it looks there, and what to do about it.
import { lacksCri, serveCri } from '../../kube/cri.ts';
import type { StaticPod } from '../../kube/paths.ts';

/** Who can say something: a component in its log, the kubelet in its journal, the runtime of its images. */
export type Speaker = StaticPod | 'kubelet' | 'images';

/** What the sentences of a cause are about. */
export interface Where {
  readonly host: string;
  readonly speaker: Speaker;
}

type Sentence = string | ((match: RegExpExecArray, where: Where) => string);

export interface Cause {
  /** Whose lines can show it; anybody's where it is absent. */
  readonly of?: readonly Speaker[];
  readonly pattern: RegExp;
  readonly summary: Sentence;
  readonly fix: Sentence;
  /** It may pass while it is waited for: another component is on its way, a port is about to be free. */
  readonly mayPass?: true;
  /** The match's first group is a file that could not be opened: whether it exists on the host makes a difference. */
  readonly namesFile?: true;
  /** Also where it stands among complaints that mean nothing. */
  readonly isAlwaysMeant?: true;
}

/** A cause that was found, in words. */
export interface Explanation {
  readonly cause: Cause;
  readonly message: string;
  readonly match: RegExpExecArray;
  readonly summary: string;
  readonly fix: string;
}

/**
 * The first cause of the table that one of these messages shows; of several messages the last. `meant`: who speaks complains
 * of much that does not matter, so only what is known of this very speaker counts.
 */
export function findCause(
  messages: readonly string[],
  where: Where,
  which: 'all' | 'meant' = 'all',
): Explanation | undefined {
  for (const cause of causes) {
    if (cause.of?.includes(where.speaker) === false) continue;
    if (which === 'meant' && cause.of === undefined && cause.isAlwaysMeant === undefined) continue;
    for (const message of messages.toReversed()) {
      const match = cause.pattern.exec(message);
      if (match === null) continue;
      const say = (sentence: Sentence): string => (typeof sentence === 'string' ? sentence : sentence(match, where));
      return { cause, message, match, summary: say(cause.summary), fix: say(cause.fix) };
    }
  }
  return undefined;
}

const kubelet: readonly Speaker[] = ['kubelet'];
const etcd: readonly Speaker[] = ['etcd'];

/** A path in klog's, etcd's or Go's words: it may stand between quotes that are escaped themselves. */
const path = String.raw`(/[^\s"'\\:,\]]+)`;

/** The first that matches wins: causes before their consequences. */
const causes: readonly Cause[] = [
  {
    pattern: new RegExp(`(?:${path}: )?no space left on device`, 'i'),
    summary: ([, file], { host, speaker }) =>
      `the file system that ${speaker === 'images' ? 'the container runtime' : speaker} writes to is full on ${host}${file === undefined ? '' : ` (${file})`}`,
    fix: 'free space there (`df -h` shows how much there is), or put the folder on a larger file system',
    isAlwaysMeant: true,
  },
  {
    pattern: /read-only file system/i,
    summary: (_, { speaker, host }) => `${speaker} writes to a file system that is read-only on ${host}`,
    fix: 'mount the file system that the log names read-write, or correct readOnly of the volume in extraVolumes',
  },
  {
    of: kubelet,
    pattern: /cgroup v1 support is unsupported|configured to not run on a host using cgroup v1/i,
    summary: 'this host has cgroup v1, which the kubelet refuses from 1.35 on',
    fix: 'boot the host with cgroup v2, or set failCgroupV1: false in the KubeletConfiguration',
  },
  {
    of: kubelet,
    pattern: /running with swap on is not supported/i,
    summary: 'swap is on',
    fix: 'run `swapoff -a` and take swap out of /etc/fstab, or set failSwapOn: false in the KubeletConfiguration',
  },
  {
    of: kubelet,
    pattern: /kubelet cgroup driver.*cgroup driver|expected cgroupsPath to be of format|cgroup driver mismatch/i,
    summary: 'the kubelet and the container runtime use different cgroup drivers',
    fix: 'set cgroupDriver in the KubeletConfiguration to what the runtime uses (systemd or cgroupfs)',
  },
  {
    pattern: /unrecognized feature gate: (\w+)|cannot set feature gate (\w+) to \w+, feature is locked/,
    summary: ([, unknown, locked], { speaker }) =>
      unknown === undefined
        ? `the feature gate ${locked} of ${speaker} cannot be changed in this version`
        : `${speaker} does not know the feature gate ${unknown} in this version`,
    fix: (_, { speaker }) =>
      speaker === 'kubelet'
        ? 'remove it from featureGates of the KubeletConfiguration, or from --feature-gates'
        : `remove it from --feature-gates in ${argumentsOf(speaker)}`,
  },
  {
    pattern:
      /unknown flag: (--[\w-]+)|unknown shorthand flag: .*|flag provided but not defined: (-[\w-]+)|unknown command .* for "kube/i,
    summary: ([found, long, short], { speaker }) => `${speaker} does not know the flag: ${long ?? short ?? found}`,
    fix: (_, { speaker }) => `remove the flag from ${argumentsOf(speaker)}, or correct its name`,
  },
  {
    pattern:
      /invalid argument "(.*?)\\?" for "(?:-\w, )?(--[\w-]+)\\?" flag: ?(.*)|invalid value "(.*?)" for flag (-[\w-]+)/,
    summary: ([, value, flag, , other, short], { speaker }) =>
      `${speaker} refuses the value ${value ?? other} of its flag ${flag ?? short}`,
    fix: (_, { speaker }) => `correct the value in ${argumentsOf(speaker)}`,
  },
  {
    of: kubelet,
    pattern: /failed to validate kubelet flags: (.*)/,
    summary: ([, reason = '']) => `the kubelet refuses its flags: ${reason.replace(/"?\s*>?$/, '').slice(0, 300)}`,
    fix: 'correct nodeRegistration.kubeletExtraArgs, or the file that sets the flag on the host',
  },
  {
    // Until kubelet-start there is no config file; a kubelet that said so then has been restarted since.
    of: kubelet,
    pattern:
      /failed to (?:load|validate) kubelet config(?!.*config\.yaml.*no such file)|failed to decode|strict decoding error/i,
    summary: 'the kubelet refuses its configuration',
    fix: 'correct the field that the evidence names in your KubeletConfiguration',
  },
  {
    of: kubelet,
    pattern: /hostPath type check failed: (\S+) is not (a |an )?([\w ]+)/,
    summary: ([, file, article = '', type], { host }) =>
      `a Pod mounts ${file}, which is not ${article}${(type ?? '').trim()} on ${host}`,
    fix: ([, file]) =>
      `create ${file} with the right type, or correct hostPath and pathType of the volume in extraVolumes`,
  },
  {
    of: kubelet,
    pattern: /failed to construct kubelet dependencies.* unable to load client CA file (\S+?)[:,"]/,
    summary: ([, file], { host }) => `the kubelet cannot read its client CA ${file} on ${host}`,
    fix: 'put the file there, or correct authentication.x509.clientCAFile in the KubeletConfiguration',
  },
  {
    of: kubelet,
    pattern: /node \\?"([\w.-]+)\\?" is not allowed to modify node \\?"([\w.-]+)/,
    summary: ([, owner, wanted]) => `the kubelet's credentials are for node ${owner}, but it registers as ${wanted}`,
    fix: 'use one name: correct --hostname-override, or nodeRegistration.name',
  },
  {
    of: ['kubelet', 'images'],
    pattern: /(?:pull|resolve|image).*(?:unauthorized|authentication required|401|no basic auth credentials|denied)/i,
    summary: 'the registry refuses to serve an image without a valid login',
    fix: 'give the container runtime credentials for that registry, import the image, or choose another one with --image-repository',
  },
  {
    of: ['kubelet', 'images'],
    pattern: /(?:pull|resolve|image).*(?:not found|manifest unknown|no match for platform)/i,
    summary: 'an image is not in the registry',
    fix: 'correct the repository or tag that the evidence names, or import the image',
  },
  {
    of: kubelet,
    pattern: /ErrImageNeverPull/,
    summary: 'an image is not on the host, and imagePullPolicy is Never',
    fix: 'import the image, or set imagePullPolicy: IfNotPresent',
  },
  {
    of: ['kubelet', 'images'],
    pattern: /(ErrImagePull|ImagePullBackOff|failed to pull image|failed to resolve reference|pull access denied)/i,
    summary: 'an image could not be pulled',
    fix: 'make the registry reachable, import the image, or choose another one with --image-repository',
    mayPass: true,
  },
  {
    // No failure yet: a registry that does not answer is waited for longer than a component is.
    of: ['images'],
    pattern: /^image \S+ is not on the host$/,
    summary: 'an image is not there, and its pull has not ended',
    fix: 'make the registry reachable (or faster), import the image, or choose another one with --image-repository',
    mayPass: true,
  },
  {
    pattern: /^OOMKilled$/,
    summary: (_, { speaker }) => `${speaker} was killed because it ran out of memory`,
    fix: 'give the host more memory, or raise the memory limit that a patch sets',
  },
  {
    pattern: /listen \w+ (\S+): bind: address already in use|address already in use/i,
    summary: ([, address], { speaker }) =>
      `a port of ${speaker} is taken by another process${address === undefined ? '' : ` (${address})`}`,
    fix: 'stop the process that holds the port (`ss -lptn` names it)',
    // The process that ran here before needs a moment to end.
    mayPass: true,
  },
  {
    pattern: /listen \w+ (\S+): bind: cannot assign requested address/i,
    summary: ([, address], { speaker, host }) =>
      `${speaker} is to listen on ${address}, which is not an address of ${host}`,
    fix: 'correct the advertise address, or the bind address among the extraArgs',
  },
  {
    of: etcd,
    pattern: /member [\da-f]* ?has already been bootstrapped/i,
    summary: 'etcd was a member of this cluster before, and its data folder was emptied since',
    fix: 'remove the old member (`kbinit node remove NAME`), then join again',
  },
  {
    of: etcd,
    pattern:
      /(?:the )?member has been permanently removed from the cluster|data-dir used by this member must be removed/i,
    summary: 'the data folder of etcd is that of a member that was removed from its cluster',
    fix: 'run `kbinit reset` on this host, then join again',
  },
  {
    of: etcd,
    // A member that lags behind may answer with the list of before this one was added.
    pattern: /member count is unequal|(?:mismatch|unmatched) member while checking PeerURLs/i,
    summary: "etcd's list of members is not that of its cluster",
    fix: 'compare `kbinit etcd members` with --initial-cluster in /etc/kubernetes/manifests/etcd.yaml; then run again',
    mayPass: true,
  },
  {
    of: etcd,
    pattern: /cluster ID mismatch|could not find local etcd member in the member list/i,
    summary: 'the data folder of etcd, or its list of members, belongs to another cluster',
    fix: 'move /var/lib/etcd away if its data is not needed, or run `kbinit reset` on this host; then run again',
  },
  {
    of: etcd,
    pattern:
      /crc mismatch|database file .* (?:corrupt|invalid)|invalid database|walpb|unexpected EOF|wal: .*(?:not found|corrupt)/i,
    summary: "etcd's data is damaged",
    fix: 'restore it from a snapshot, or, on one of several control planes, run `kbinit reset` on this host and join again',
  },
  {
    // A joining member asks the others for the list of members before it does anything else.
    of: etcd,
    pattern: /cannot fetch cluster info from peer urls|could not retrieve cluster information from the given URLs/i,
    summary: 'etcd on this host cannot reach the other members on port 2380',
    fix: 'open port 2380 (and 2379) between the control planes, in both directions',
    mayPass: true,
  },
  {
    pattern: new RegExp(`(?:open|stat|read(?:ing)?) (?:\\\\?")?${path}[^:]*: no such file or directory`),
    summary: ([, file], { host }) => `${file} does not exist on ${host}`,
    fix: ([, file], { host }) => `put ${file} on ${host}`,
    namesFile: true,
  },
  {
    pattern: /certificate has expired or is not yet valid|certificate has expired|certificate is not yet valid/i,
    summary: (_, { speaker, host }) =>
      `${speaker} refuses a certificate by its dates, or the clock of ${host} is wrong`,
    fix: 'compare `date` on the host with `kbinit certs check-expiration`',
  },
  {
    pattern: /tls: private key does not match public key/,
    summary: (_, { speaker }) => `a certificate and a key of ${speaker} do not belong together`,
    fix: "compare the pair that the component's flags name; kbinit uses the existing PKI under /etc/kubernetes/pki",
  },
  {
    pattern:
      /failed to find any PEM data|does not contain any valid RSA or ECDSA certificates|failed to parse (?:certificate|private key)|data does not contain a valid|asn1: |x509: malformed/i,
    summary: (_, { speaker }) => `${speaker} cannot read a certificate or key`,
    fix: 'replace the file that the evidence names; it must be a PEM file with a certificate or key of RSA or ECDSA',
  },
  {
    pattern: /x509: (.*?)(?:\\?"|$)/i,
    summary: ([, reason = ''], { speaker }) => `${speaker} refuses a certificate: ${reason}`,
    fix: 'compare the certificates under /etc/kubernetes/pki: each must be signed by its CA (kbinit uses the existing PKI)',
  },
  {
    pattern: new RegExp(`(?:read(?:ing)?|open) (?:\\\\?")?${path}[^:]*: is a directory`),
    summary: ([, file], { speaker }) => `${file} is a directory, where ${speaker} reads a file`,
    fix: ([, file]) =>
      `remove the directory and put the file there (the container runtime creates a directory where a mounted path does not exist: set pathType: File), or correct the path ${file}`,
  },
  {
    of: ['kube-apiserver'],
    pattern:
      /error creating storage factory: context deadline exceeded|error creating leases|transport: Error while dialing.*:2379/i,
    summary: 'etcd does not answer kube-apiserver',
    fix: 'check etcd: `crictl ps -a --name etcd`, or the endpoints in etcd.external',
    mayPass: true,
  },
  {
    of: ['kube-controller-manager', 'kube-scheduler'],
    pattern:
      /connection refused|leader ?election lost|context deadline exceeded|unable to load configmap based|i\/o timeout/i,
    summary: (_, { speaker }) => `the API server does not answer ${speaker}`,
    fix: 'check kube-apiserver: `crictl ps -a --name kube-apiserver`',
    mayPass: true,
  },
  {
    of: ['kubelet', 'images'],
    pattern: lacksCri,
    summary: (_, { host }) => `the container runtime on ${host} does not serve the CRI (runtime.v1)`,
    fix: serveCri,
  },
  {
    // cAdvisor, a part of the kubelet, looks for other runtimes and does not miss them.
    of: kubelet,
    pattern:
      /^(?!.*container factory).*(?:\.sock:? connect: no such file or directory|\.sock: connect: connection refused|validate CRI v1 runtime API|container runtime is down|runtime service failed)/i,
    summary: 'the kubelet cannot talk to the container runtime',
    fix: 'start the container runtime (systemctl start containerd) and check criSocket',
    mayPass: true,
  },
  {
    // The kubelet of a container may not change its oom_score_adj, and lives with it.
    pattern: new RegExp(`^(?!.*oom_score)(?:.*?${path}[^/]*: )?.*permission denied`, 'i'),
    summary: ([, file], { speaker }) => `${speaker} may not read or write ${file ?? 'one of its files'}`,
    fix: ([, file]) => `check the owner, mode and SELinux label of ${file ?? 'the file that the evidence names'}`,
  },
];

/** Where the user's arguments of a component are in the configuration. */
export function argumentsOf(speaker: Speaker): string {
  switch (speaker) {
    case 'kube-apiserver':
      return 'apiServer.extraArgs';
    case 'kube-controller-manager':
      return 'controllerManager.extraArgs';
    case 'kube-scheduler':
      return 'scheduler.extraArgs';
    case 'etcd':
      return 'etcd.local.extraArgs';
    case 'kubelet':
    case 'images':
      return 'nodeRegistration.kubeletExtraArgs';
    default:
      return speaker satisfies never;
  }
}
