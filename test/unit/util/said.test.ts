import { expect, test } from 'vitest';
import { KbError } from '../../../src/errors.ts';
import { hostNameOf, Said } from '../../../src/util/said.ts';
import * as shapes from '../../../src/util/shapes.ts';

const good: Readonly<Record<Exclude<keyof typeof shapes, 'isDnsSubdomain'>, readonly string[]>> = {
  hostnameShape: ['node1', 'Master1.example', 'my_host', '(none)', ''],
  kernelReleaseShape: ['3.10.0-1160.el7.x86_64', '6.6.87.2-microsoft-standard-WSL2', '5.15.0+deb@x:1'],
  machineShape: ['x86_64', 'aarch64', 'armv7l'],
  machineIdShape: ['0123456789abcdef0123456789abcdef'],
  interfaceShape: ['eth0', 'enp0s31f6', 'vlan@100', 'eth0.100'],
  addressShape: ['10.0.0.1', 'fd00::1'],
  numberShape: ['0', '1795000000'],
  versionShape: ['v1.36.3', 'v1.36.3+k3s1', 'v1.36.0-rc.1', 'v1.36.77+vendor.3-x'],
  programVersionShape: ['2.1.4', 'v2.1.4', '1.6.20~ds1'],
  packageVersionShape: ['1.36.3-150500.1.1', '1:2.0.5-3', '1.6.20~ds1-1+deb12u1'],
  packageNameShape: ['kubelet', 'containerd.io', 'libstdc++6'],
  releaseWordShape: ['rocky', '9.6', '', 'V10'],
  lineShape: ['Rocky Linux 9.6 (Blue Onyx)', 'Müller & Söhne', ''],
  pathShape: ['/dev/dm-1', '/swap file'],
  zoneShape: ['public', 'libvirt-routed'],
  wordShape: ['br_netfilter', 'kubelet.service'],
  userNameShape: ['root', 'kb', 'machine$', 'DOMAIN\\user', 'user@example.org'],
  sshPublicKeyShape: [`ssh-ed25519 ${'A'.repeat(68)}`, `ecdsa-sha2-nistp256 ${'A'.repeat(139)}=`],
  imageNameShape: ['registry.k8s.io/pause:3.10', 'a/b@sha256:00', '[::1]:5000/x:y'],
  etcdIdShape: ['0', '18446744073709551615'],
  etcdNameShape: ['master1', 'node1.example'],
  etcdUrlShape: ['https://10.0.0.1:2380', 'https://[fd00::1]:2380', 'https://node1.example:2380'],
};

/** Values that mean something to a file, a list, a terminal or a reader; none of the shapes of one word takes one. */
const hostile = [
  'a registry.k8s.io b',
  '*',
  'x,evil=https://10.72.1.66:2380',
  'a\tb',
  'a\nb',
  'a\u001B]0;PWNED\u0007',
  'a\u009B31m',
  'a\u202Eb',
  'a\u00A0b',
  'a\u200B',
  'a;reboot',
  '$(reboot)',
  '`reboot`',
  "a'b",
  'a"b',
  'a|b',
  '!a',
  '#a',
  'a\0b',
  'ä',
  'x'.repeat(20_000),
];
const oneWord = Object.entries(shapes).filter(
  ([name]) => !['isDnsSubdomain', 'lineShape', 'pathShape', 'wordShape', 'interfaceShape'].includes(name),
);

test.each(Object.entries(good))('%s takes what is right', (name, values) => {
  const shape = Object.entries(shapes).find(([own]) => own === name)?.[1];
  for (const value of values) expect([value, typeof shape === 'object' && shape.fits(value)]).toEqual([value, true]);
});

test.each(oneWord)('%s takes nothing that means something elsewhere', (_, shape) => {
  const taken = typeof shape === 'object' ? hostile.filter((value) => shape.fits(value)) : hostile;
  expect(taken).toEqual([]);
});

test.each(['a\tb', 'a\nb', 'a\u001B[2J', 'a\u009B1m', 'a\u202Eb', 'a\u200B', 'a\0'])(
  'a line, a path and a word are not %j',
  (text) => {
    const { lineShape, pathShape, wordShape, interfaceShape } = shapes;
    expect([lineShape, pathShape, wordShape, interfaceShape].map(({ fits }) => fits(`/${text}`))).toEqual([
      false,
      false,
      false,
      false,
    ]);
  },
);

test('all that a host says wrongly is told at once, escaped, and each thing once', () => {
  const said = new Said();
  said.hostname('a registry.k8s.io b');
  said.value('address', '10.0.0.1\u001B[2J', shapes.addressShape);
  said.value('address', 'again', shapes.addressShape);
  said.secret('variable HTTPS_PROXY', 'http://u:s3cret@p\u0000', shapes.lineShape);
  expect(said.number('number of CPUs', '', shapes.numberShape)).toBe(0);
  try {
    said.end();
    expect.unreachable();
  } catch (error) {
    expect(error instanceof KbError && error.problems.map(({ code, detail }) => `${code} ${detail}`)).toEqual([
      'KB_HOST_NAME host name: found "a registry.k8s.io b", needs letters, digits, "-" and "." (RFC 1123)',
      String.raw`KB_HOST_FACT address: found "10.0.0.1\u001b[2J", needs an IP address`,
      'KB_HOST_FACT variable HTTPS_PROXY: needs one line of text without control characters',
    ]);
  }
});

test("a host's name for others is a DNS subdomain in lower case, as kubeadm has it", () => {
  expect(hostNameOf('Master1.Example')).toBe('master1.example');
  for (const name of ['', 'my_host', '-a', 'a..b', '10.0.0.5', '*', 'a b', `${'a'.repeat(250)}.com`]) {
    expect(() => hostNameOf(name)).toThrow(/KB_HOST_NAME/);
  }
});
