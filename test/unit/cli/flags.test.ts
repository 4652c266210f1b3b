import { expect, test } from 'vitest';
import { plainArguments } from '../../../src/cli/flags.ts';

test.each([
  ['--dry-run=true', '--dry-run'],
  ['--dry-run=false', ''],
  ['-f=true', '-f'],
  ['-o=json', '-o json'],
  ['-o=jsonpath={.a}=b', '-o jsonpath={.a}=b'],
  ['--pod_network_cidr=10.0.0.0/8', '--pod-network-cidr=10.0.0.0/8'],
  ['--allow-missing-template-keys=false', '--no-allow-missing-template-keys'],
  ['--node-name=true', '--node-name=true'],
  ['--dry-run=maybe', '--dry-run=maybe'],
  ['init -- --dry-run=true', 'init -- --dry-run=true'],
  ['join 10.0.0.1:6443 --token-file -', 'join 10.0.0.1:6443 --token-file -'],
])('%s is read as %j', (line, plain) => {
  expect(plainArguments(line.split(' ')).join(' ')).toBe(plain);
});
