import { expect, test } from 'vitest';
import { passwordsOf, resumeCommand } from '../../../../src/cli/run/resume.ts';

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
  ['HTTPS://joe:secret@files.example/cluster.conf?t=secret', 'HTTPS://…@files.example/cluster.conf?…'],
  ['hTTp://joe:secret@files.example/rpm/', 'hTTp://…@files.example/rpm/'],
  ['https:joe:secret@files.example/x', 'https:…@files.example/x'],
  ['https://joe:p@secret@files.example/x@y', 'https://…@files.example/x@y'],
])('of the URL %s a login is left out', (url, shown) => {
  expect(resumeCommand(['join', '--discovery-file', url])).toBe(`kbinit join --discovery-file ${shown}`);
  expect(resumeCommand(['join', `--discovery-file=${url}`])).toBe(`kbinit join --discovery-file=${shown}`);
});

test.each(['create', 'delete'])('a token that `token %s` takes as an argument is left out', (verb) => {
  expect(resumeCommand(['token', verb, 'abcdef.0123456789abcdef', '--ttl', '1h'])).toBe(
    `kbinit token ${verb} … --ttl 1h`,
  );
});

test('passwords in URLs are known as secrets, as they are written and as they are meant', () => {
  expect(passwordsOf(['join', '--discovery-file=HTTPS://joe:s%23cret@h/x', 'https://h/y', 'root@h'])).toEqual([
    's%23cret',
    's#cret',
  ]);
});

test('of a URL with backslashes, which a shell would eat, a login is left out as well', () => {
  expect(resumeCommand(['join', '--discovery-file', 'https:\\\\joe:secret@h/x'])).toBe(
    "kbinit join --discovery-file 'https:\\\\…@h/x'",
  );
});
