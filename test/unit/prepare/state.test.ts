import { describe, expect, test } from 'vitest';
import { parseState } from '../../../src/prepare/state.ts';

const versionOf = (said: string): string | undefined => parseState(said, () => []).containerdVersion;

describe("containerd's version", () => {
  test.each([
    ["Docker's RPM", 'package containerd.io 2.1.4-1.el9', '2.1.4'],
    ["Docker's Debian package", 'package containerd.io 2.1.4-1~debian.12~bookworm', '2.1.4'],
    ["Debian's own", 'package containerd 1.6.20~ds1-1+deb12u1', '1.6.20'],
    ['a package with an epoch', 'package containerd 1:2.0.5-3', '2.0.5'],
  ])('is that of %s', (_, line, version) => {
    expect(versionOf(`${line}\npackage kubelet 1.36.3-150500.1.1\n`)).toBe(version);
  });

  test('is what the program says where that was asked: another one may stand before the package', () => {
    const said =
      'package containerd.io 1.7.27-3.1.el9\ncontainerd containerd github.com/containerd/containerd/v2 v2.1.4 75cb2b7\n';
    expect(versionOf(said)).toBe('2.1.4');
  });

  test('is unknown where there is none', () => {
    expect(versionOf('package kubelet 1.36.3-150500.1.1\n')).toBeUndefined();
  });
});
