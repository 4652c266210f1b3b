// kbinit's own checks by their names, and lists that depend on the cluster. kubeadm's checks: law.test.ts.
import { expect, test } from 'vitest';
import type { InitSpec } from '../../../src/config/spec.ts';
import type { HostFacts } from '../../../src/host/host.ts';
import { initChecks, joinChecks } from '../../../src/preflight/index.ts';
import type { Survey } from '../../../src/preflight/survey-parse.ts';
import { cluster, found, goodSurvey, initSpec, joinSpec } from './fixtures.ts';
import { namesOf, newestMinor } from './law.ts';

const ipvs = { kubeProxy: { isUserSupplied: true, document: { mode: 'ipvs' } } };

interface Row {
  readonly name: string;
  readonly level: 'error' | 'warning';
  readonly survey?: Partial<Survey>;
  readonly facts?: Partial<HostFacts>;
  readonly spec?: InitSpec;
  /** Must be in what the user reads. */
  readonly says: string;
}

const without = <K, V>(map: ReadonlyMap<K, V>, key: K): ReadonlyMap<K, V> =>
  new Map([...map].filter(([k]) => k !== key));
const path = (at: string, state: 'file' | 'filled-folder' | 'missing'): Partial<Survey> => ({
  paths: new Map([...goodSurvey.paths, [at, state]]),
});
const texts = (at: string, text: string): Partial<Survey> => ({ texts: new Map([...goodSurvey.texts, [at, text]]) });

const rows: readonly Row[] = [
  {
    name: 'DiskSpace',
    level: 'error',
    survey: { disks: goodSurvey.disks.map((disk) => ({ ...disk, freeMiB: 199 })) },
    says: '199 MiB',
  },
  {
    name: 'Leftovers',
    level: 'error',
    survey: {
      leftovers: {
        cniFiles: ['10-flannel.conflist'],
        links: ['cni0'],
        chains: ['KUBE-SERVICES', 'KUBE-MARK-MASQ'],
        nftTables: [],
      },
    },
    says: '10-flannel.conflist); network links cni0; iptables chains KUBE-SERVICES, KUBE-MARK-MASQ',
  },
  {
    name: 'ClockSkew',
    level: 'error',
    facts: { clock: { host: 1_000, local: 1_031 } },
    says: "31 seconds behind this machine's",
  },
  { name: 'Resolver', level: 'warning', survey: texts('/etc/resolv.conf', 'search lan\n'), says: 'no name server' },
  {
    name: 'BridgeNetfilter',
    level: 'warning',
    survey: { texts: without(goodSurvey.texts, '/proc/sys/net/bridge/bridge-nf-call-iptables') },
    says: 'br_netfilter is not loaded',
  },
  {
    name: 'CgroupDriver',
    level: 'error',
    survey: {
      runtime: {
        socket: 'listening',
        tool: 'crictl',
        state: 'ready',
        hasRuntimeConfig: false,
        cgroupDriver: 'cgroupfs',
      },
    },
    spec: initSpec({ version: { major: 1, minor: 34, patch: 0 } }),
    facts: { kubeletVersion: 'v1.34.0' },
    says: 'by cgroupfs, the kubelet is to do it by systemd',
  },
  {
    name: 'ProxyModules',
    level: 'error',
    spec: initSpec(ipvs),
    survey: path('/proc/net/ip_vs', 'missing'),
    says: 'ipvs',
  },
  {
    name: 'HostFiles',
    level: 'error',
    spec: initSpec({ kubelet: { isUserSupplied: true, document: { tlsCertFile: '/etc/kubelet.crt' } } }),
    survey: { kinds: new Map([['/etc/kubelet.crt', 'missing']]) },
    says: '/etc/kubelet.crt does not exist',
  },
];

test.each(rows)('$name fails alone, as $level', ({ name, level, spec, survey, facts, says }) => {
  const findings = initChecks(spec ?? initSpec())
    .flat()
    .flatMap((check) => check.run(found(survey, facts)));
  expect(findings.map((finding) => `${finding.level} ${finding.name}`)).toEqual([`${level} ${name}`]);
  expect(findings[0]?.text).toContain(says);
  expect(findings[0]?.fix).not.toBe('');
});

test('each of our own checks has a row that makes it fail, and none has a name of kubeadm', () => {
  const known = namesOf(newestMinor);
  const all = [...initChecks(initSpec(ipvs)), ...joinChecks(joinSpec())].flat().map(({ name }) => name);
  const own = [...new Set(all)].filter((name) => !known.includes(name));
  expect(own.toSorted()).toEqual([...new Set(rows.map(({ name }) => name))].toSorted());
});

test('a good host with ip_vs has nothing to tell', () => {
  const checks = initChecks(initSpec(ipvs)).flat();
  expect(checks.flatMap((check) => check.run(found()))).toEqual([]);
});

test('join by a name asks for no forwarding, join by an IPv6 address for that of IPv6', () => {
  const forwarding = (endpoint: string): readonly string[] =>
    joinChecks(joinSpec(endpoint))
      .flat()
      .map((check) => check.name)
      .filter((name) => name.startsWith('FileContent'));
  expect(forwarding('vip.k8test.com:6443')).toEqual([]);
  expect(forwarding('[fd00::1]:6443')).toEqual(['FileContent--proc-sys-net-ipv6-conf-default-forwarding']);
});

test('a cluster with an etcd data folder of its own is asked about that folder', () => {
  const spec = initSpec({
    etcd: {
      ...cluster.etcd,
      kind: 'local',
      dataDir: '/data/etcd',
      extraArgs: [],
      extraEnvs: [],
      serverCertSANs: [],
      peerCertSANs: [],
    },
  });
  const all = initChecks(spec).flat();
  expect(all.map((check) => check.name)).toContain('DirAvailable--data-etcd');
});
