import { expect, test } from 'vitest';
import { didYouMean, propose } from '../../../src/util/propose.ts';

const commands = ['init', 'join', 'reset', 'preflight', 'host', 'certs', 'config', 'token', 'node', 'etcd', 'version'];

test.each([
  ['intit', commands, ['init']],
  ['jion', commands, ['join']],
  ['Reset', commands, ['reset']],
  ['check', ['check-expiration', 'renew', 'generate-csr'], ['check-expiration']],
  ['delete', ['remove'], ['remove']],
  ['--cidr', ['--pod-network-cidr', '--service-cidr', '--config'], ['--pod-network-cidr', '--service-cidr']],
  ['--pod-netwrok-cidr', ['--pod-network-cidr', '--service-cidr'], ['--pod-network-cidr']],
  ['master', ['control-plane', 'worker', 'etcd', 'lb'], ['control-plane']],
  ['jsn', ['text', 'json', 'yaml'], ['json']],
  ['calico', ['flannel'], []],
  ['x', commands, []],
])('%s of %j may be %j', (word, known, wanted) => expect(propose(word, known)).toEqual(wanted));

test('it is asked as a question, or not at all', () => {
  expect(didYouMean('jsn', ['text', 'json'])).toBe('; did you mean json?');
  expect(didYouMean('calico', ['flannel'])).toBe('');
});
