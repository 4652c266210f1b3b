// The cases of kubeadm's own strict reader (app/util/config/strict/testdata): what it refuses, `config validate` refuses,
// with line and path.
import { describe, expect, test } from 'vitest';
import { loadFile } from '../../../src/config/load-file.ts';
import { loadInit } from '../../../src/config/load.ts';
import { validateFile } from '../../../src/config/validate-file.ts';
import { KbError } from '../../../src/errors.ts';
import { fixedRandomSource } from './facts.ts';

const documents: Readonly<Record<string, string>> = {
  init: 'apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nnodeRegistration:\n  name: a\n',
  cluster: 'apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking:\n  dnsDomain: a.b\n',
  join: 'apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\ndiscovery:\n  bootstrapToken: {token: abcdef.0123456789abcdef, apiServerEndpoint: "1.2.3.4:6443", unsafeSkipCAVerification: true}\n',
  kubelet: 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nmaxPods: 1\n',
  proxy: 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: iptables\n',
};

function refusals(text: string | Uint8Array): readonly string[] {
  try {
    validateFile(text, 'file.yaml', fixedRandomSource);
    return [];
  } catch (error) {
    if (error instanceof KbError) return error.problems.map(({ detail }) => detail);
    throw error;
  }
}

describe.each(Object.entries(documents))('%s', (kind, text) => {
  const last = text.trimEnd().split('\n').length;

  test('is valid as it is, with CRLF and a byte order mark too', () => {
    expect(refusals(text)).toEqual([]);
    expect(refusals(Buffer.from(`\uFEFF${text.replaceAll('\n', '\r\n')}`))).toEqual([]);
  });

  test('an unknown field is refused with its line', () => {
    expect(refusals(`${text}foo: bar\n`)).toEqual([`file.yaml line ${last + 1}: foo: unknown field`]);
  });

  test('a field given twice is refused with its line', () => {
    const field = text.split('\n')[2] ?? '';
    const name = field.split(':')[0] ?? '';
    const again = text + text.split('\n').slice(2).join('\n');
    expect(refusals(again)[0]).toBe(`file.yaml line ${last + 1}: ${name}: the key "${name}" is there twice`);
  });

  test('a field in the wrong case is refused, with the right name', () => {
    const name = /\n([a-z])(\w+):[^\n]*\n?(?: |$)/.exec(text.slice(text.indexOf('kind')));
    const [, first = '', rest = ''] = name ?? [];
    const lines = refusals(text.replace(`\n${first}${rest}:`, `\n${first.toUpperCase()}${rest}:`));
    expect(lines, kind).toContain(
      `file.yaml line 3: ${first.toUpperCase()}${rest}: unknown field; the name is ${first}${rest}`,
    );
  });
});

test('an unknown kind is refused by name', () => {
  expect(refusals('apiVersion: foo.k8s.io/v1\nkind: Foo\n')[0]).toContain('foo.k8s.io/v1 Foo: unknown kind');
});

test('elsewhere all of it is a warning with line and path, and the run goes on', () => {
  const { warnings } = loadInit(`${documents['cluster']}foo: 1\nfoo: 2\n`, 'file.yaml', {});
  expect(warnings.map(({ line, path, message }) => `${line} ${path} ${message}`)).toEqual([
    '6 foo the key "foo" is there twice; the last one counts',
    '6 foo unknown field, ignored',
  ]);
});

describe('a file that is no configuration is refused at once, in little memory', () => {
  const bomb = [
    'a: &a [x, x, x, x, x, x, x, x, x]',
    ...'bcdefghi'
      .split('')
      .map(
        (name, index) => `${name}: &${name} [${Array.from({ length: 9 }, () => `*${'abcdefghi'[index]}`).join(', ')}]`,
      ),
  ].join('\n');
  test.each([
    ['1 MiB and a byte', 'x'.repeat(1024 * 1024 + 1)],
    ['an alias bomb', bomb],
    ['not UTF-8', Uint8Array.from([0x61, 0x3a, 0xff, 0xfe])],
    ['lists in lists', `a: ${'['.repeat(100_000)}`],
  ])('%s', (_, text) => {
    const [start, before] = [performance.now(), process.memoryUsage().rss];
    expect(refusals(text).length).toBeGreaterThan(0);
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
  });
});

test('loading and validating the largest golden configuration is quick', async () => {
  const { readFileSync } = await import('node:fs');
  const text = readFileSync('test/golden/v1.36.3/tuned-v1beta4/config.yaml');
  // Processor time: other tests run beside this one.
  const times = Array.from({ length: 23 }, () => {
    const start = process.cpuUsage();
    validateFile(text, 'config.yaml', fixedRandomSource);
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  });
  const median = times.slice(3).toSorted((a, b) => a - b)[10] ?? Infinity;
  expect(median).toBeLessThanOrEqual(30);
});

test("v1beta3's timeout for the control plane is that of a join in the same file", () => {
  const old = (kind: string, fields: string): string =>
    `apiVersion: kubeadm.k8s.io/v1beta3\nkind: ${kind}\n${fields}\n`;
  const discovery = documents['join']?.slice(documents['join'].indexOf('discovery')) ?? '';
  const file = [
    old('ClusterConfiguration', 'apiServer: {timeoutForControlPlane: 5m0s}'),
    old('JoinConfiguration', discovery),
  ];
  const { draft } = loadFile(file.join('---\n'), 'file.yaml');
  expect(draft.join?.timeouts.controlPlaneComponentHealthCheck).toBe(300);
});
