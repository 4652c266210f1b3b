import { expect, test } from 'vitest';
import { accountRefused } from '../../../../src/host/ssh/failures.ts';

const options = { name: 'node1', host: '10.0.0.1', user: 'root' };

test.each([
  ['WARNING: Your password has expired.\nPassword change required but no TTY available.\n', 'chage -M -1 root'],
  ['You are required to change your password immediately (administrator enforced).\n', 'ssh root@10.0.0.1'],
  ['You are required to change your password immediately (root enforced)\n', 'chage -M -1 root'],
  ['Your account has expired; please contact your system administrator.\n', 'chage -E -1 root'],
  ['Please login as the user "ubuntu" rather than the user "root".\n\n', '--host ubuntu@10.0.0.1'],
  ['Please login as the user \\"rocky\\" rather than the user \\"root\\".', '--host rocky@10.0.0.1'],
  ['Please login as the user ec2-user rather than the user root.', '--host ec2-user@10.0.0.1'],
])('a host that says %j gets its own advice', (said, advice) => {
  const problem = accountRefused(options, said)?.problems[0];
  expect(problem).toMatchObject({ code: 'KB_SSH_SHELL', host: 'node1' });
  expect(problem?.fix).toContain(advice);
  expect(problem?.fix).not.toContain('ForceCommand');
});

test.each([
  'This account is currently not available.',
  '',
  'Please login as the user "$(reboot)" rather than the user',
])('%j is another matter', (said) => {
  expect(accountRefused(options, said)).toBeUndefined();
});
