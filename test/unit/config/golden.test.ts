import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { completeInit } from '../../../src/config/complete.ts';
import { componentHash, componentHashAnnotation } from '../../../src/config/component-hash.ts';
import { clusterOf } from '../../../src/config/from-cluster.ts';
import { loadInit } from '../../../src/config/load.ts';
import type { InitSpec } from '../../../src/config/spec.ts';
import { clusterConfigurationDocument, initConfigurationDocument } from '../../../src/config/write.ts';
import { isMapping } from '../../../src/config/finding.ts';
import { readYaml, writeYaml } from '../../../src/util/yaml.ts';
import { facts, fixedRandomSource } from './facts.ts';

const root = 'test/golden';

interface ConfigMap {
  readonly data: Readonly<Record<string, string>>;
  readonly hash: string | undefined;
}

/** The ConfigMap that kubeadm's dry run would have created. */
function configMap(folder: string, name: string): ConfigMap {
  const dryRun = readFileSync(`${folder}/dryrun.txt`, 'utf8').replaceAll(/^\t/gm, '');
  for (const part of dryRun.split(/^\[dryrun\] Attached object:\n/m)) {
    const text = part.split(/\n\n?\[/)[0] ?? '';
    if (!text.includes('kind: ConfigMap') || !text.includes(`\n  name: ${name}\n`)) continue;
    const object = readYaml(text);
    if (!isMapping(object) || !isMapping(object['data']) || !isMapping(object['metadata'])) break;
    const annotations = object['metadata']['annotations'];
    const hash = isMapping(annotations) ? annotations[componentHashAnnotation] : undefined;
    const data = Object.entries(object['data']).map(([key, value]) => [key, String(value)] as const);
    return { data: Object.fromEntries(data), hash: typeof hash === 'string' ? hash : undefined };
  }
  throw new Error(`no ConfigMap ${name} in ${folder}`);
}

function specOf(folder: string): InitSpec {
  const { draft } = loadInit(readFileSync(`${folder}/config.yaml`), 'config.yaml', {});
  return completeInit(draft, facts(), fixedRandomSource).spec;
}

/** Everything init knows, as a file. */
function documents(spec: InitSpec): readonly unknown[] {
  return [
    initConfigurationDocument(spec),
    clusterConfigurationDocument(spec.cluster, spec.timeouts.controlPlaneComponentHealthCheck),
    spec.cluster.kubelet.document,
    spec.cluster.kubeProxy.document,
  ];
}

const versions = readdirSync(root).filter((name) => name.startsWith('v'));
const cases = versions.flatMap((version) =>
  readdirSync(`${root}/${version}`).map((name) => ({
    name: `${version}/${name}`,
    folder: `${root}/${version}/${name}`,
  })),
);
const readable = cases.filter(({ folder }) => existsSync(`${folder}/config.yaml`));
/** Those that a real kubeadm made: they have the objects of its dry run. */
const recorded = readable.filter(({ folder }) => existsSync(`${folder}/dryrun.txt`));

describe('what kubeadm wrote', () => {
  test('there are goldens of 1.36.3', () => {
    expect(cases.filter(({ name }) => name.startsWith('v1.36.3/')).length).toBeGreaterThanOrEqual(4);
  });

  test.each(recorded)('$name: ConfigMap kubeadm-config is equal', ({ folder }) => {
    const golden = configMap(folder, 'kubeadm-config').data['ClusterConfiguration'] ?? '';
    const { cluster, timeouts } = specOf(folder);
    const document = clusterConfigurationDocument(cluster, timeouts.controlPlaneComponentHealthCheck);
    expect(document).toEqual(readYaml(golden));
  });

  test.each(readable)('$name: what is written is read back, and written the same', ({ folder }) => {
    const written = documents(specOf(folder));
    const { draft, warnings } = loadInit(written.map(writeYaml).join('---\n'), 'written.yaml', {});
    expect(warnings.filter((warning) => warning.isStrict)).toEqual([]);
    const elsewhere = facts({ hostname: 'other', addresses: [], defaultRoutes: [] });
    expect(documents(completeInit(draft, elsewhere, fixedRandomSource).spec)).toEqual(written);
  });

  test.each(recorded)('$name: ConfigMap kubelet-config is equal, byte for byte', ({ folder }) => {
    const golden = configMap(folder, 'kubelet-config').data['kubelet'];
    expect(writeYaml(specOf(folder).cluster.kubelet.document)).toBe(golden);
  });

  test.each(recorded)('$name: config.conf of ConfigMap kube-proxy is equal', ({ folder }) => {
    const golden = configMap(folder, 'kube-proxy').data['config.conf'] ?? '';
    expect(specOf(folder).cluster.kubeProxy.document).toEqual(readYaml(golden));
  });

  test.each(recorded)('$name: a joining node reads the cluster from its ConfigMaps', ({ folder }) => {
    const { cluster } = specOf(folder);
    const read = clusterOf({
      clusterConfiguration: configMap(folder, 'kubeadm-config').data['ClusterConfiguration'] ?? '',
      kubelet: configMap(folder, 'kubelet-config').data['kubelet'] ?? '',
      kubeProxy: configMap(folder, 'kube-proxy').data['config.conf'] ?? '',
    });
    expect(read.kubelet.document).toEqual(cluster.kubelet.document);
    expect(read.kubeProxy.document).toEqual(cluster.kubeProxy.document);
    expect(clusterConfigurationDocument(read)).toEqual(clusterConfigurationDocument(cluster));
  });

  test.each(recorded)('$name: only generated component configs are signed, with the same hash', ({ folder }) => {
    for (const [name, key] of [
      ['kubelet-config', 'kubelet'],
      ['kube-proxy', 'kubeProxy'],
    ] as const) {
      const map = configMap(folder, name);
      expect(specOf(folder).cluster[key].isUserSupplied).toBe(map.hash === undefined);
      if (map.hash !== undefined) expect(componentHash(map.data)).toBe(map.hash);
    }
  });
});
