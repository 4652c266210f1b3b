// kubeadm's own black-box tests of its command line, run against kbinit on a host that is thrown away.
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { binaries, type Lab } from '../lab/lab.ts';
import { addTotals, program, testLab } from './support.ts';

const host = 'cmd1';
let lab: Lab;
let output = '';

/** `TestCmdInitToken` → `PASS`, sub-cases by `TestCmdInitToken/valid_token_is_accepted`. */
let verdicts: ReadonlyMap<string, string> = new Map();

beforeAll(async () => {
  lab = await testLab('cmd', 44);
  await lab.up([host]);
  await lab.recreate(host);
  await lab.copyTo(host, process.execPath, '/opt/node', 0o755);
  await lab.copyTo(host, program, '/opt/kbinit.mjs', 0o755);
  await lab.copyTo(host, binaries.kubeadmTests, '/opt/test/kubeadm_cmd.test', 0o755);
  const data = join(dirname(binaries.kubeadmTests), 'testdata/init');
  for (const name of await readdir(data)) await lab.copyTo(host, join(data, name), `/opt/test/testdata/init/${name}`);
  await lab.exec(
    host,
    String.raw`printf '#!/bin/sh\nexec /opt/node /opt/kbinit.mjs "$@"\n' >/opt/kubeadm; chmod 755 /opt/kubeadm`,
  );
  const run = await lab.exec(host, 'cd /opt/test && ./kubeadm_cmd.test -test.v 2>&1', {
    timeoutSeconds: 500,
    env: { KUBEADM_PATH: '/opt/kubeadm', HOME: '/root' },
  });
  output = run.stdout;
  verdicts = new Map(
    [...output.matchAll(/^ *--- (PASS|FAIL|SKIP): (\S+)/gm)].map(([, verdict = '', name = '']) => [name, verdict]),
  );
  const count = (verdict: string): number => [...verdicts.values()].filter((one) => one === verdict).length;
  await addTotals({
    name: 'kubeadm test/cmd',
    passed: count('PASS'),
    failed: count('FAIL'),
    skipped: count('SKIP'),
    reason: 'skipped by the suite itself',
  });
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

describe("kubeadm's own tests of its command line", () => {
  test('all 20 functions and their 43 sub-cases pass', () => {
    const bad = [...verdicts].filter(([, verdict]) => verdict !== 'PASS').map(([name]) => name);
    expect(bad, output.slice(-4000)).toEqual([]);
    const names = [...verdicts.keys()];
    expect(names.filter((name) => !name.includes('/'))).toHaveLength(20);
    expect(names.filter((name) => name.includes('/'))).toHaveLength(43);
  });

  test.each([
    ['refuses at once', 'true'],
    [
      'swallows every question',
      "iptables -A INPUT -i lo -p udp --dport 53 -j DROP; umount /etc/resolv.conf; echo 'nameserver 127.0.0.1' >/etc/resolv.conf",
    ],
  ])('a label is resolved within ten seconds where the name server %s', async (_, prepare) => {
    await lab.exec(host, prepare);
    const start = performance.now();
    const { code, stdout, stderr } = await lab.exec(
      host,
      '/opt/kubeadm config images list --kubernetes-version stable-1.36',
    );
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(code).toBe(0);
    expect(stdout.split('\n')[0]).toBe('registry.k8s.io/kube-apiserver:v1.36.3');
    expect(stderr).toMatch(/^warning: could not look up which version stable-1.36 is/);
  });
});
