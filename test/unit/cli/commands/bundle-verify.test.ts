// `bundle verify` as it is typed: the table, the object, the exit code, and a configuration to be enough for.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { main } from '../../../../src/cli/main.ts';
import { parts, version, writeBundle } from '../../bundle/fixture.ts';

let printed = '';
let said = '';
beforeEach(() => {
  [printed, said] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

const config = (cluster: string): string => {
  const folder = mkdtempSync(join(tmpdir(), 'kbinit-config-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'config.yaml');
  writeFileSync(path, `apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n${cluster}`);
  return path;
};

test('a good bundle: a table of files and of images, exit code 0', async () => {
  const code = await main(['bundle', 'verify', writeBundle(parts())]);
  expect(code, said).toBe(0);
  expect(printed).toMatch(new RegExp(`^Kubernetes ${version} for linux/amd64: 18 files, 9 images, `));
  expect(printed).toMatch(/^binaries\/kubelet +- +0\.0 MiB +ok$/m);
  expect(printed).toMatch(
    new RegExp(`^registry.k8s.io/kube-apiserver:${version} +sha256:[0-9a-f]{64} +images/0.tar$`, 'm'),
  );
});

test('a bad one: each finding in its row and as a failure, exit code 1', async () => {
  const folder = writeBundle(parts());
  writeFileSync(join(folder, 'binaries/runc'), 'x');
  writeFileSync(join(folder, 'more'), 'x');
  expect(await main(['bundle', 'verify', folder])).toBe(1);
  expect(printed).toMatch(/^binaries\/runc .* is cut off: 1 bytes of \d+$/m);
  expect(printed).toMatch(/^more .* is not in the lock$/m);
  expect(said.match(/KB_BUNDLE/g)).toHaveLength(2);
  printed = '';
  expect(await main(['bundle', 'verify', folder, '-o', 'json'])).toBe(1);
  const answer: unknown = JSON.parse(printed);
  expect(answer).toMatchObject({ kind: 'BundleReport', isGood: false, lock: { kubernetesVersion: version } });
});

test('enough for a configuration, or not', async () => {
  const folder = writeBundle(parts());
  expect(await main(['bundle', 'verify', folder, '--config', config(`kubernetesVersion: ${version}\n`)]), said).toBe(0);
  const other = config(`kubernetesVersion: ${version}\netcd: {local: {imageTag: 3.6.99-0}}\n`);
  expect(await main(['bundle', 'verify', folder, '--config', other])).toBe(1);
  expect(said).toContain('lacks images that the configuration asks for: registry.k8s.io/etcd:3.6.99-0');
  expect(await main(['bundle', 'verify', folder, '--config', config('kubernetesVersion: v1.35.4\n')])).toBe(1);
  expect(said).toContain(`is for ${version}, v1.35.4 is asked for`);
});
