import { expect, test } from 'vitest';
import { resumeCommand } from '../../../src/cli/resume.ts';

test('the command to go on with is what was typed', () => {
  expect(resumeCommand(['init', '--host', 'root@192.168.3.29', '--config', 'a b.yaml'])).toBe(
    "kbinit init --host root@192.168.3.29 --config 'a b.yaml'",
  );
});

test.each(['--token', '--discovery-token', '--tls-bootstrap-token', '--certificate-key'])(
  'the value of %s is left out of it, in both spellings',
  (flag) => {
    expect(resumeCommand(['join', 'h:6443', flag, 'secret-value'])).toBe(`kbinit join h:6443 ${flag} …`);
    expect(resumeCommand(['join', 'h:6443', `${flag}=secret-value`])).toBe(`kbinit join h:6443 ${flag}=…`);
  },
);

test.each([
  ['https://files.example/cluster.conf', 'https://files.example/cluster.conf'],
  ['https://joe:secret@files.example/cluster.conf', 'https://…@files.example/cluster.conf'],
  ['https://files.example/cluster.conf?sig=secret', 'https://files.example/cluster.conf?…'],
])('of the URL %s a login is left out', (url, shown) => {
  expect(resumeCommand(['join', '--discovery-file', url])).toBe(`kbinit join --discovery-file ${shown}`);
  expect(resumeCommand(['join', `--discovery-file=${url}`])).toBe(`kbinit join --discovery-file=${shown}`);
});
