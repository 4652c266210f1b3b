// The default case of the versions that no kubeadm was built of: goldens written by hand from what is known of them.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ensurePki } from '../../src/certs/pki.ts';
import { ensureKubeconfigs } from '../../src/kubeconfig/files.ts';
import { clientOf } from '../../src/kubeconfig/kubeconfig.ts';
import { backdatesCertificateAuthorities } from '../../src/kube/traits.ts';
import { corednsObjects } from '../../src/manifests/coredns.ts';
import { kubeletArtifacts } from '../../src/manifests/kubelet-config.ts';
import { readYamlAll } from '../../src/util/yaml.ts';
import { fixedRandomSource } from '../fakes/keys.ts';
import { onDisk } from '../unit/certs/fixture.ts';
import { golden, goldenFiles, goldenHost, handWrittenCases, specOf } from './support/case.ts';
import { dates, goldenPrinted, printedCertificates, sections, withoutDates } from './support/certificates.ts';
import { staticPodsOf } from './support/pods.ts';

describe.each(handWrittenCases)('%s (hand-written)', (name) => {
  const spec = specOf(name);
  const certificates = sections(golden(name, 'certs.txt'));
  const [caBegin = 0] = dates((certificates.get('/etc/kubernetes/pki/ca.crt') ?? '').split('\n'));
  const now = new Date((caBegin + (backdatesCertificateAuthorities(spec.cluster.version) ? 300 : 0)) * 1000);

  test('the static Pods', () => {
    const artifacts = staticPodsOf(name);
    expect(Object.keys(artifacts)).toHaveLength(4);
    for (const [file, { body }] of Object.entries(artifacts)) expect(body, file).toBe(golden(name, `files/${file}`));
  });

  test('the kubelet’s files', () => {
    const { cluster, node } = spec;
    const artifacts = kubeletArtifacts({ cluster, node, host: goldenHost, role: 'control-plane', patches: [] });
    const files = Object.fromEntries(artifacts.map(({ path, body }) => [path.replace('/var/lib/kubelet/', ''), body]));
    const wanted = goldenFiles(name).filter((file) => ['config.yaml', 'kubeadm-flags.env', 'instance-config.yaml'].includes(file));
    expect(files).toEqual(Object.fromEntries(wanted.map((file) => [file, golden(name, `files/${file}`)])));
  });

  test('every certificate', async () => {
    const { artifacts } = await ensurePki({ ...spec, existing: new Map(), now, chance: fixedRandomSource() });
    const own = artifacts.filter(({ path }) => path.endsWith('.crt'));
    expect(own.map(({ path }) => path).toSorted()).toEqual([...certificates.keys()].toSorted());
    const texts = printedCertificates(own.map(({ body }) => body));
    for (const [index, { path }] of own.entries()) {
      const ours = texts[index] ?? [];
      const section = certificates.get(path) ?? '';
      const theirs = goldenPrinted(section);
      expect([path, ...withoutDates(ours)]).toEqual([path, ...withoutDates(theirs)]);
      // The clock moved on by a second or two between two certificates.
      const gaps = dates(ours).map((date, end) => Math.abs(date - (dates(theirs)[end] ?? 0)));
      expect([path, gaps.length, Math.max(...gaps) <= 2]).toEqual([path, 2, true]);
    }
  });

  test('every kubeconfig', async () => {
    const existing = onDisk(await ensurePki({ ...spec, existing: new Map(), now, chance: fixedRandomSource() }));
    const { artifacts } = await ensureKubeconfigs({ ...spec, existing, now, chance: fixedRandomSource() });
    const theirs = sections(golden(name, 'kubeconfigs.txt'));
    expect(artifacts.map(({ path }) => path)).toEqual([...theirs.keys()]);
    for (const { path, body } of artifacts) {
      const args = ['x509', '-noout', '-subject', '-issuer', '-ext', 'keyUsage,extendedKeyUsage'];
      const text = execFileSync('openssl', args, { input: clientOf(body, path).clientCert ?? '', encoding: 'utf8' });
      expect(body.replaceAll(/-data: .*$/gm, '-data: <data>') + text).toBe(theirs.get(path));
    }
  });

  test('CoreDNS', () => {
    const wanted = readYamlAll(golden(name, 'objects.yaml'));
    const kinds = new Set(['Deployment', 'ConfigMap', 'ClusterRole']);
    const made = corednsObjects(spec.cluster, { patches: [] }).filter(({ kind }) => kinds.has(kind));
    expect(made.map(timestampless).toSorted(byKind)).toEqual(wanted.map(timestampless).toSorted(byKind));
  });
});

/** Go's null timestamps and empty status, which an object does not have before it is written. */
function timestampless(object: unknown): unknown {
  return JSON.parse(JSON.stringify(object, (key: string, value: unknown) => (key === 'creationTimestamp' || key === 'status' ? undefined : value)));
}

const byKind = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

test('each says that it was written by hand', () => {
  for (const name of handWrittenCases) {
    const readme = readFileSync(new URL(`${name.split('/')[0]}/README.md`, import.meta.url), 'utf8');
    expect(readme).toContain('Written by hand');
  }
});

test('1.25 has what a running cluster of that version was seen with', () => {
  const flags = golden('v1.25.7/default', 'files/kubeadm-flags.env');
  expect(flags).toMatch(/^KUBELET_KUBEADM_ARGS="--container-runtime=remote --container-runtime-endpoint=unix:\/\/\S+ --pod-infra-container-image=\S+\/pause:3\.8"\n$/);
  expect(golden('v1.25.7/default', 'files/etcd.yaml')).toContain('etcd:3.5.6-0');
});
