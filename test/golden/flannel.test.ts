// flannel's objects, against goldens written by hand from upstream's manifest.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type FlannelOptions, flannelObjects } from '../../src/manifests/flannel.ts';
import { readYamlAll } from '../../src/util/yaml.ts';

const folder = fileURLToPath(new URL('flannel', import.meta.url));
const golden = (name: string): readonly unknown[] => readYamlAll(readFileSync(`${folder}/${name}.yaml`, 'utf8'));

test.each(['vxlan', 'host-gw', 'udp', 'wireguard'] as const)('backend %s is deployed as upstream does', (backend) => {
  expect(flannelObjects({ network: '10.244.0.0/16', backend })).toEqual(golden(backend));
});

test('two Pod networks switch IPv6 on', () => {
  const options: FlannelOptions = { network: '10.244.0.0/16,fd00:10:244::/56', backend: 'vxlan' };
  expect(flannelObjects(options)).toEqual(golden('dual-stack'));
});
