import { expect, test } from 'vitest';
import { parseTarget } from '../../../../src/cli/run/target.ts';

test.each([
  ['192.168.3.29', { address: '192.168.3.29' }],
  ['root@192.168.3.29', { user: 'root', address: '192.168.3.29' }],
  ['admin@node1.example:2222', { user: 'admin', address: 'node1.example', port: 2222 }],
  ['root@[fd00::5]:2222', { user: 'root', address: 'fd00::5', port: 2222 }],
  ['[::1]:22', { address: '::1', port: 22 }],
  ['[fd00::5]', { address: 'fd00::5' }],
  ['fd00::5', { address: 'fd00::5' }],
])('%s is understood', (text, target) => {
  expect(parseTarget(text)).toEqual(target);
});

test.each([
  '',
  'root@',
  'a b',
  '-oProxyCommand=x',
  'root@-x',
  '-l@host',
  'host:0',
  'host:70000',
  'host:',
  'a@b@c',
  'host;id',
  '$(id)',
])('%s is refused with an example of what to write', (text) => {
  expect(() => parseTarget(text)).toThrow(/KB_TARGET/);
});
