// Versions as apimachinery's ParseSemantic reads them; verdicts are those of kubeadm 1.36.3 (`config images list`).
import { expect, test } from 'vitest';
import { kubernetesImage } from '../../../src/kube/images.ts';
import { isKubeletAhead } from '../../../src/kube/skew.ts';
import { compareVersions, formatRelease, formatVersion, parseVersion } from '../../../src/kube/version.ts';

test.each([
  'v1.36.3+k3s1',
  'v1.36.77+vendor.3-x',
  'v1.36.3-rc.1+b',
  'v1.36.3+01',
  'v1.36.3--x',
  'v1.36.3+-',
  'v1.36.3-gke.100',
  'v1.36.3-eks-abc+x',
])('%s is a version and keeps its text', (text) => {
  const version = parseVersion(text);
  expect(version && formatVersion(version)).toBe(text);
});

const refused =
  'v1.36.3+a_b,v1.36.3+,v1.36.3-,v1.36.3-01,v1.36.3-rc.01,v1.36.03,v01.36.3,v1.36.3+a+b,v1.36.3+a..b,v1.36.3.4,v1.36.3.4+x,v1.36,V1.36.3, v1.36.3,v1.36.3+ü,v1.36.3_x,';

test.each(refused.split(','))('%j is none', (text) => {
  expect(parseVersion(text)).toBeUndefined();
});

const version = (text: string): NonNullable<ReturnType<typeof parseVersion>> => {
  const parsed = parseVersion(text);
  if (parsed === undefined) throw new Error(`not a version: ${text}`);
  return parsed;
};

test('build metadata does not count in a comparison', () => {
  expect(compareVersions(version('v1.36.3+k3s1'), version('v1.36.3+rke2r9'))).toBe(0);
  expect(compareVersions(version('v1.36.3-rc.1+z'), version('v1.36.3'))).toBeLessThan(0);
  expect(isKubeletAhead(version('v1.36.3+k3s2'), version('v1.36.3'))).toBe(false);
});

test('an image tag has _ for the + of build metadata', () => {
  const cluster = { version: version('v1.36.77+vendor.3-x'), imageRepository: 'registry.example' };
  expect(kubernetesImage(cluster, 'kube-proxy')).toBe('registry.example/kube-proxy:v1.36.77_vendor.3-x');
});

test('packages and download pages have the release without the vendor', () => {
  expect(formatRelease(version('v1.36.3-rc.1+k3s1'))).toBe('v1.36.3-rc.1');
});
