// Names of hosts that answer one after the other.
import { expect, test } from 'vitest';
import { ClaimedNames } from '../../../src/util/host-names.ts';

const hosts = ['10.0.0.1', '10.0.0.2', 'node3'];

test('a host goes on with its name while others have not answered', () => {
  const names = new ClaimedNames(hosts);
  names.claim({ host: '10.0.0.1', name: 'node1' });
  names.claim({ host: 'node3', name: 'node3' });
});

test('the second host of a name is refused, with both hosts named', () => {
  const names = new ClaimedNames(hosts);
  names.claim({ host: '10.0.0.1', name: 'node1' });
  const again = (): void => names.claim({ host: '10.0.0.2', name: 'node1' });
  expect(again).toThrow(/KB_HOST_NAME.*10\.0\.0\.1 and 10\.0\.0\.2 have the same name node1/s);
  expect(again).toThrow(/KB_HOST_NAME/);
});

test('a host that calls itself what the user calls another is refused, also before that one has answered', () => {
  const names = new ClaimedNames(hosts);
  expect(() => names.claim({ host: '10.0.0.1', name: 'node3' })).toThrow(/another host of this command/);
});
