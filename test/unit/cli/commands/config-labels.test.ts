import { expect, test } from 'vitest';
import { lookUpLabels, type Fetch } from '../../../../src/cli/commands/config-labels.ts';
import { formatVersion } from '../../../../src/kube/version.ts';

async function resolved(
  label: string,
  fetch: Fetch,
): Promise<{ version: string; warnings: string[]; asked: string[] }> {
  const warnings: string[] = [];
  const asked: string[] = [];
  const labels = await lookUpLabels(
    undefined,
    label,
    (message) => warnings.push(message),
    (url, signal) => {
      asked.push(url.replace(/^.*\//, ''));
      return fetch(url, signal);
    },
  );
  const version = labels.get(label);
  return { version: version === undefined ? 'none' : formatVersion(version), warnings, asked };
}

const answers =
  (table: Readonly<Record<string, string>>): Fetch =>
  (url) =>
    Promise.resolve(table[url.replace(/^.*\//, '')] ?? '');

test('a label is what the answer says', async () => {
  expect(await resolved('stable-1.33', answers({ 'stable-1.33.txt': 'v1.33.12\n' }))).toEqual({
    version: 'v1.33.12',
    warnings: [],
    asked: ['stable-1.33.txt'],
  });
});

test('a release that is newer than kbinit knows gives way to the newest of the minor it knows', async () => {
  const fetch = answers({ 'stable-1.txt': 'v1.99.0', 'stable-1.36.txt': 'v1.36.7' });
  expect(await resolved('stable-1', fetch)).toMatchObject({ version: 'v1.36.7', warnings: [] });
});

test.each([
  ['no answer', (): Promise<string> => Promise.reject(new Error('getaddrinfo ENOTFOUND'))],
  ['a page instead of a version', (): Promise<string> => Promise.resolve('<html>log in</html>')],
])('with %s a label is what the table says, with a warning', async (_, fetch) => {
  const { version, warnings } = await resolved('stable-1.30', fetch);
  expect(version).toBe('v1.30.14');
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain('stable-1.30');
});

test('an answer that never comes is given up before ten seconds are over', { timeout: 15_000 }, async () => {
  const start = performance.now();
  const { version, warnings } = await resolved('latest', (_, signal) => {
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')));
    });
  });
  expect(performance.now() - start).toBeLessThan(9500);
  expect(version).toBe('v1.36.3');
  expect(warnings[0]).toContain('no answer within');
});

test.each(['v1.36.3', 'stable-1.99', 'stable-2', 'ci/latest', 'latestx'])('nobody is asked about %s', async (label) => {
  expect(await resolved(label, () => Promise.reject(new Error('asked')))).toMatchObject({ asked: [], warnings: [] });
});

test('the label of a file is looked up too', async () => {
  const file = 'apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: stable-1.35\n';
  const labels = await lookUpLabels(file, undefined, () => undefined, answers({ 'stable-1.35.txt': 'v1.35.2' }));
  expect([...labels.keys()]).toEqual(['stable-1.35']);
});
