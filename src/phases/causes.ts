// Known causes of a control plane that does not come up: how each looks in a log, and what to do about it.

export interface Cause {
  readonly pattern: RegExp;
  readonly summary: string;
  readonly fix: string;
}

/** The first that matches wins: causes before their consequences. */
export const causes: readonly Cause[] = [
  {
    pattern: /no space left on device/i,
    summary: 'the disk is full',
    fix: 'free space on the file system named in the evidence',
  },
  {
    pattern: /cgroup v1 support is (unsupported|deprecated)|failCgroupV1/i,
    summary: 'this host has cgroup v1, which the kubelet refuses from 1.35 on',
    fix: 'boot the host with cgroup v2, or set failCgroupV1: false in the KubeletConfiguration',
  },
  {
    pattern: /running with swap on is not supported/i,
    summary: 'swap is on',
    fix: 'run `swapoff -a` and take swap out of /etc/fstab, or set failSwapOn: false in the KubeletConfiguration',
  },
  {
    pattern: /(misconfiguration|kubelet cgroup driver).*cgroup driver/i,
    summary: 'the kubelet and the container runtime use different cgroup drivers',
    fix: 'set cgroupDriver in the KubeletConfiguration to what the runtime uses (systemd or cgroupfs)',
  },
  {
    // Until kubelet-start there is no config file; a kubelet that said so then has been started anew since.
    pattern: /failed to (?:load|validate) kubelet config(?!.*no such file)|failed to decode|strict decoding error/i,
    summary: 'the kubelet refuses its configuration',
    fix: 'correct the field that the evidence names in your KubeletConfiguration',
  },
  {
    pattern: /unknown flag|failed to parse kubelet flag|unknown shorthand flag/i,
    summary: 'a component does not know one of its flags',
    fix: 'correct the extra argument that the evidence names',
  },
  {
    pattern: /(ErrImagePull|ImagePullBackOff|failed to pull image|failed to resolve reference|pull access denied)/i,
    summary: 'an image could not be pulled',
    fix: 'make the registry reachable, import the image, or choose another one with --image-repository',
  },
  {
    // No failure yet: a registry that does not answer is waited for longer than a component is.
    pattern: /^image \S+ is not on the host$/,
    summary: 'an image is not there, and its pull has not ended',
    fix: 'make the registry reachable (or faster), import the image, or choose another one with --image-repository',
  },
  {
    pattern: /address already in use/i,
    summary: 'a port is taken by another process',
    fix: 'stop the process that holds the port named in the evidence (ss -lptn)',
  },
  {
    pattern: /certificate has expired|certificate is not yet valid|x509: /i,
    summary: 'a certificate is refused',
    fix: "compare the host's clock with the certificates' dates (kbinit uses the existing PKI under /etc/kubernetes/pki)",
  },
  {
    // A joining member asks the others for the list of members before it does anything else.
    pattern: /cannot fetch cluster info from peer urls|could not retrieve cluster information from the given URLs/i,
    summary: 'etcd on this host cannot reach the other members on port 2380',
    fix: 'open port 2380 (and 2379) between the control planes, in both directions',
  },
  {
    // cAdvisor, a part of the kubelet, looks for other runtimes and does not miss them.
    pattern:
      /^(?!.*container factory).*(?:connect: no such file or directory|validate CRI v1 runtime API|container runtime is down|runtime service failed)/i,
    summary: 'the kubelet cannot talk to the container runtime',
    fix: 'start the container runtime (systemctl start containerd) and check criSocket',
  },
  {
    // The kubelet of a container may not change its oom_score_adj, and lives with it.
    pattern: /^(?!.*oom_score).*permission denied/i,
    summary: 'a component may not read or write one of its files',
    fix: 'check the owner, mode and SELinux label of the file that the evidence names',
  },
  {
    pattern: /panic: |fatal error: |Error: |FATAL|"level":"fatal"/,
    summary: 'a component ended with an error of its own',
    fix: 'act on the line in the evidence',
  },
];
