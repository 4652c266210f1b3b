/** Owns what is compiled from Go modules: which programs, with which flags, one cache step a module. */
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { stepDir, type Step } from './cache.ts';
import { mustRun } from './run.ts';
import { kubernetesModule, releaseSuffix, versions } from './versions.ts';

interface GoBuild {
  readonly packages: readonly string[];
  /** The file's name, where one package is not named as its program should be. */
  readonly output?: string;
  readonly flags?: readonly string[];
  readonly isTest?: boolean;
}

const sources = join(import.meta.dirname, 'go');
const strip = '-s -w';

const kubernetesFlags = stamped(versions.kubernetes);
const kubernetesPrograms =
  'kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet kubeadm kubectl'.split(' ');
const cniPlugins = 'github.com/containernetworking/plugins/plugins';

/** Kubernetes, and the suite of kubeadm's own end-to-end tests. */
export const kubernetes: Step = goStep(
  kubernetesModule,
  [
    { packages: kubernetesPrograms.map((name) => `k8s.io/kubernetes/cmd/${name}`), flags: kubernetesFlags },
    // Not a second build tree: the packages are those just compiled.
    {
      packages: ['k8s.io/kubernetes/test/e2e_kubeadm'],
      output: 'e2e_kubeadm.test',
      isTest: true,
      flags: kubernetesFlags,
    },
  ],
  'pure',
  `kubernetes${releaseSuffix}`,
);

const kubeadmTestFolder = 'k8s.io/kubernetes/cmd/kubeadm/test/cmd';
const kubeadmTestBinary: Step = goStep(
  kubernetesModule,
  [{ packages: [kubeadmTestFolder], output: 'kubeadm_cmd.test', isTest: true, flags: kubernetesFlags }],
  'pure',
  `kubeadm-tests${releaseSuffix}`,
);

/** kubeadm's own tests of its command line, with the files they read. */
export const kubeadmTests: Step = {
  ...kubeadmTestBinary,
  build: async (dir) => {
    await kubeadmTestBinary.build(dir);
    const folder = await mustRun('go', ['list', '-f', '{{.Dir}}', kubeadmTestFolder], {
      cwd: join(sources, kubernetesModule),
      env: { GOFLAGS: '-mod=readonly', GOTOOLCHAIN: 'local', GOWORK: 'off' },
    });
    await mustRun('cp', ['-r', '--no-preserve=mode', join(folder.trim(), 'testdata'), dir]);
  },
};

/** A kubeadm that knows v1beta3 as well as v1beta4, to compare with. */
export const olderKubeadm: Step = goStep('kubernetes-1.33', [
  { packages: ['k8s.io/kubernetes/cmd/kubeadm'], flags: stamped(versions.olderKubeadm) },
]);

/** containerd, its client and its shim. */
export const containerdPrograms: Step = goStep('containerd', [
  containerdBuild('github.com/containerd/containerd/v2', versions.containerd),
]);

/** The same of containerd 1.x, whose configuration has an older schema. */
export const containerd1Programs: Step = goStep('containerd-1.7', [
  containerdBuild('github.com/containerd/containerd', versions.containerd1),
]);

function containerdBuild(module: string, version: string): GoBuild {
  return {
    packages: ['containerd', 'ctr', 'containerd-shim-runc-v2'].map((name) => `${module}/cmd/${name}`),
    flags: [
      '-tags=netgo osusergo static_build no_btrfs no_devmapper no_zfs',
      `-ldflags=${strip} -X ${module}/version.Version=v${version}`,
    ],
  };
}

/** runc; it needs libseccomp, so cgo and Debian's packages. */
export const runc: Step = goStep(
  'runc',
  [
    {
      packages: ['github.com/opencontainers/runc'],
      flags: ['-tags=seccomp', `-ldflags=${strip} -X main.version=${versions.runc}`],
    },
  ],
  'cgo',
);

const cniPluginPaths = ['main/bridge', 'main/loopback', 'ipam/host-local', 'meta/portmap'];

/** The names of the CNI plugins. */
export const cniPluginNames: readonly string[] = cniPluginPaths.map((path) => basename(path));

/** The CNI plugins a kubeadm cluster expects. */
export const cni: Step = goStep('cni', [
  {
    packages: cniPluginPaths.map((path) => `${cniPlugins}/${path}`),
    flags: [`-ldflags=${strip}`],
  },
]);

/** The flannel CNI plugin. */
export const cniFlannel: Step = goStep('cni-flannel', [
  { packages: [`${cniPlugins}/meta/flannel`], flags: [`-ldflags=${strip}`] },
]);

/** etcd and its two command lines. */
export const etcd: Step = goStep('etcd', [
  { packages: ['go.etcd.io/etcd/server/v3'], output: 'etcd', flags: [`-ldflags=${strip}`] },
  { packages: ['go.etcd.io/etcd/etcdctl/v3', 'go.etcd.io/etcd/etcdutl/v3'], flags: [`-ldflags=${strip}`] },
]);

/** The cluster DNS server. */
export const coredns: Step = goStep('coredns', [
  { packages: ['github.com/coredns/coredns'], flags: [`-ldflags=${strip}`] },
]);

/** The flannel daemon, static because its image has another libc than the machine may have. */
export const flannel: Step = goStep(
  'flannel',
  [
    {
      packages: ['github.com/flannel-io/flannel'],
      output: 'flanneld',
      flags: [
        '-tags=netgo osusergo',
        `-ldflags=${strip} -extldflags -static -X github.com/flannel-io/flannel/pkg/version.Version=v${versions.flannel}`,
      ],
    },
  ],
  'cgo',
);

/** crictl. */
export const criTools: Step = goStep('cri-tools', [
  {
    packages: ['sigs.k8s.io/cri-tools/cmd/crictl'],
    flags: [`-ldflags=${strip} -X sigs.k8s.io/cri-tools/pkg/version.Version=v${versions.crictl}`],
  },
]);

/** The lab's own small programs: pause and netcheck. */
export const programs: Step = goStep('programs', [
  { packages: ['./pause', './netcheck'], flags: [`-ldflags=${strip}`] },
]);

/** A program of this machine's cache. */
export type BinaryName =
  | 'kubeadm'
  | 'olderKubeadm'
  | 'kubeadmTests'
  | 'kubectl'
  | 'kubelet'
  | 'e2eKubeadm'
  | 'etcd'
  | 'etcdctl'
  | 'etcdutl'
  | 'crictl';

/** Programs on this machine, by what tests and benches call them; there once the cache is built. */
export const binaries: Readonly<Record<BinaryName, string>> = {
  kubeadm: join(stepDir(kubernetes), 'kubeadm'),
  olderKubeadm: join(stepDir(olderKubeadm), 'kubeadm'),
  // Beside it is the folder testdata, which it reads from where it is run.
  kubeadmTests: join(stepDir(kubeadmTests), 'kubeadm_cmd.test'),
  kubectl: join(stepDir(kubernetes), 'kubectl'),
  kubelet: join(stepDir(kubernetes), 'kubelet'),
  e2eKubeadm: join(stepDir(kubernetes), 'e2e_kubeadm.test'),
  etcd: join(stepDir(etcd), 'etcd'),
  etcdctl: join(stepDir(etcd), 'etcdctl'),
  etcdutl: join(stepDir(etcd), 'etcdutl'),
  crictl: join(stepDir(criTools), 'crictl'),
};

function goStep(module: string, builds: readonly GoBuild[], cgo: 'cgo' | 'pure' = 'pure', name: string = module): Step {
  const folder = join(sources, module);
  const compile = async (dir: string): Promise<void> => {
    for (const { packages, output, flags = [], isTest } of builds) {
      const verb = isTest ? ['test', '-c'] : ['build'];
      const target = output === undefined ? `${dir}/` : join(dir, output);
      await mustRun('go', [...verb, '-p', `${availableParallelism()}`, ...flags, '-o', target, ...packages], {
        cwd: folder,
        env: {
          CGO_ENABLED: cgo === 'cgo' ? '1' : '0',
          // The committed go.sum decides; no toolchain is fetched and no version control is asked.
          GOFLAGS: '-mod=readonly -trimpath -buildvcs=false',
          GOTOOLCHAIN: 'local',
          GOWORK: 'off',
        },
      });
    }
  };
  const inputs = [...sourceTexts(folder), cgo, JSON.stringify(builds)];
  return { name, inputs, needs: [], lane: 'go', build: compile };
}

/** What makes a program of Kubernetes say its version. */
function stamped(version: string): readonly string[] {
  const [major = '', minor = ''] = version.split('.');
  const component = 'k8s.io/component-base/version';
  return [
    `-ldflags=${strip} -X ${component}.gitVersion=v${version} -X ${component}.gitMajor=${major} ` +
      `-X ${component}.gitMinor=${minor} -X ${component}.gitTreeState=clean`,
  ];
}

function sourceTexts(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8')).toSorted();
}
