import { userInfo } from 'node:os';
import { expect, test } from 'vitest';
import { parseTarget } from '../../../src/cli/target.ts';

const me = userInfo().username;

test.each([
  ['192.168.3.29', { user: me, address: '192.168.3.29', port: 22 }],
  ['root@192.168.3.29', { user: 'root', address: '192.168.3.29', port: 22 }],
  ['admin@node1.example:2222', { user: 'admin', address: 'node1.example', port: 2222 }],
  ['root@[fd00::5]:2222', { user: 'root', address: 'fd00::5', port: 2222 }],
  ['[fd00::5]', { user: me, address: 'fd00::5', port: 22 }],
  ['fd00::5', { user: me, address: 'fd00::5', port: 22 }],
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
