// The oracle for files: real kubeadm and kbinit print, convert and list the same, compared as parsed documents.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { InitSpec, JoinSpec } from '../../src/config/spec.ts';
import {
  clusterConfigurationV1beta3,
  clusterConfigurationV1beta4,
  initConfigurationDocument,
  initConfigurationV1beta3,
  joinConfigurationDocument,
  joinConfigurationV1beta3,
  resetConfigurationDocument,
} from '../../src/config/write.ts';
import { readYamlAll, writeYaml } from '../../src/util/yaml.ts';
import { program } from '../e2e/support.ts';
import { binaries } from '../lab/lab.ts';
import { amount } from '../long.ts';
import { init, join as joinSpec, reset } from '../unit/config/arbitraries.ts';

const run = promisify(execFile);
const runs = amount('KBINIT_ORACLE_RUNS', { short: 10, long: 200 });
const seed = Number(process.env['KBINIT_ORACLE_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const minor = { major: 1, patch: 3 };

/** Each real kubeadm, with the version it has and the one before, which it accepts too. */
const kubeadms = [
  { name: '1.36.3', path: binaries.kubeadm, own: { ...minor, minor: 36 }, before: 'v1.35.4' },
  { name: '1.33.13', path: binaries.olderKubeadm, own: { ...minor, minor: 33, patch: 13 }, before: 'v1.32.13' },
] as const;

let folder = '';
let serial = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kbinit-oracle-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function theirs(path: string, args: readonly string[]): Promise<readonly unknown[]> {
  return readYamlAll((await run(path, [...args])).stdout);
}

async function ours(args: readonly string[]): Promise<readonly unknown[]> {
  return readYamlAll((await run(process.execPath, [program, ...args])).stdout);
}

describe.each(kubeadms)('kubeadm $name and kbinit', ({ name, path, own, before }) => {
  test.each([
    'init-defaults',
    'init-defaults --component-configs KubeletConfiguration,KubeProxyConfiguration',
    'join-defaults',
    'reset-defaults',
    'upgrade-defaults',
  ])('print the same %s', async (words) => {
    const command = ['config', 'print', ...words.split(' ')];
    expect(await ours([...command, '--kubernetes-version', name])).toEqual(await theirs(path, command));
  });

  test('list the same images', async () => {
    const command = ['config', 'images', 'list', '--kubernetes-version', `v${name}`];
    for (const more of [[], ['--image-repository', 'registry.example/k8s'], ['-o', 'yaml']]) {
      expect(await ours([...command, ...more])).toEqual(await theirs(path, [...command, ...more]));
    }
  });

  // etcd, CoreDNS and pause are another matter: kubeadm takes its own minor's there, kbinit those of the target's.
  test('list the same Kubernetes images for the minor before', async () => {
    const command = ['config', 'images', 'list', '--kubernetes-version', before, '-o', 'json'];
    const kube = (documents: readonly unknown[]): readonly unknown[] =>
      JSON.stringify(documents).match(/[^"]*\/kube-[^"]*/g) ?? [];
    expect(kube(await ours(command))).toEqual(kube(await theirs(path, command)));
    expect(kube(await ours(command))).toHaveLength(4);
  });

  async function sameMigration(documents: readonly unknown[]): Promise<void> {
    const file = join(folder, `old-${serial++}.yaml`);
    writeFileSync(file, documents.map(writeYaml).join('---\n'));
    const command = ['config', 'migrate', '--old-config', file];
    const [real, made] = await Promise.all([theirs(path, command), ours(command)]);
    expect(made.map((document, index) => asForgotten(document, real[index]))).toEqual(real);
  }

  /** What this kubeadm refuses, or has not got. */
  const forThis = (spec: InitSpec): InitSpec => {
    const { encryptionAlgorithm: wanted } = spec.cluster;
    const encryptionAlgorithm = name !== '1.36.3' && wanted === 'ECDSA-P384' ? 'ECDSA-P256' : wanted;
    return { ...spec, cluster: { ...spec.cluster, version: own, encryptionAlgorithm } };
  };

  test(
    `convert random v1beta3 files to the same v1beta4 (KBINIT_ORACLE_SEED=${seed})`,
    { timeout: runs * 12_000 },
    async () => {
      const both = fc.tuple(init, joinSpec);
      const property = fc.asyncProperty(both, async ([one, other]) => {
        const spec = forThis(one);
        await sameMigration([
          initConfigurationV1beta3(spec),
          clusterConfigurationV1beta3(spec.cluster, 300),
          joinConfigurationV1beta3(readable(other)),
        ]);
      });
      await fc.assert(property, { numRuns: runs, seed, endOnFailure: true });
    },
  );

  test(`complete random v1beta4 files alike (KBINIT_ORACLE_SEED=${seed})`, { timeout: runs * 12_000 }, async () => {
    const all = fc.tuple(init, joinSpec, reset);
    const property = fc.asyncProperty(all, async ([one, other, third]) => {
      const spec = forThis(one);
      await sameMigration([
        initConfigurationDocument(spec),
        clusterConfigurationV1beta4(spec.cluster),
        joinConfigurationDocument(readable(other)),
        resetConfigurationDocument(third),
      ]);
    });
    await fc.assert(property, { numRuns: runs, seed, endOnFailure: true });
  });

  test.each(['default', 'external-etcd', 'ha-mirror', 'tuned-v1beta3', 'tuned-v1beta4'])(
    'convert the golden configuration %s alike',
    async (golden) => {
      const text = readFileSync(`test/golden/v${name}/${golden}/config.yaml`, 'utf8');
      await sameMigration(readYamlAll(text).filter((document) => document !== null));
    },
  );
});

/** kubeadm forgets this timeout when it converts what is v1beta4 already: it writes 0s, which nobody could mean. */
function asForgotten(made: unknown, real: unknown): unknown {
  const field = /"controlPlaneComponentHealthCheck":"([^"]*)"/;
  if (field.exec(JSON.stringify(real))?.[1] !== '0s') return made;
  return JSON.parse(JSON.stringify(made).replace(field, '"controlPlaneComponentHealthCheck":"0s"'));
}

/** kubeadm looks whether the file of a file discovery is there. */
function readable(spec: JoinSpec): JoinSpec {
  if (spec.discovery.kind === 'token') return spec;
  return { ...spec, discovery: { ...spec.discovery, kubeConfigPath: '/etc/hostname' } };
}
