import { describe, expect, test } from 'vitest';
import {
  suggesting,
  suggestionsOf,
  takesHost,
  takesRootfs,
  takesSshFlags,
  type Way,
} from '../../../../src/cli/run/suggest.ts';
import type { RunEvent } from '../../../../src/report/events.ts';
import { leafCommands, optionOf } from '../commands.ts';

const way: Way = { host: 'root@192.168.3.29', identityFile: ['my key'], knownHosts: '/k' };
const flags = "--identity-file 'my key' --known-hosts /k";

describe('a suggested command', () => {
  const { inText } = suggestionsOf(way);

  test('carries the host of the run and the flags that reach it', () => {
    expect(inText('`kbinit reset` removes an earlier cluster from the host')).toBe(
      `\`kbinit reset --host root@192.168.3.29 ${flags}\` removes an earlier cluster from the host`,
    );
  });

  test('keeps the host that it names, logged in to as the run does', () => {
    expect(inText('`kbinit node remove n1 --host root@CONTROL_PLANE`')).toBe(
      `\`kbinit node remove n1 --host root@CONTROL_PLANE ${flags}\``,
    );
    const other = suggestionsOf({ host: 'ops@n1:2222' });
    expect(other.inText('`kbinit etcd status --host root@CONTROL_PLANE`')).toBe(
      '`kbinit etcd status --host ops@CONTROL_PLANE`',
    );
    const alias = suggestionsOf({ host: 'master1' });
    expect(alias.inText('`kbinit etcd status --host root@CONTROL_PLANE`')).toBe(
      '`kbinit etcd status --host CONTROL_PLANE`',
    );
  });

  test('repeats no flag that it has', () => {
    const text = '`kbinit init --host root@n1 --known-hosts /other --identity-file=x`';
    expect(inText(text)).toBe(text);
  });

  test('gets no host where it takes none', () => {
    expect(inText('`kbinit ssh scan n1`')).toBe(`\`kbinit ssh scan n1 ${flags}\``);
    expect(inText('`kbinit certs certificate-key`')).toBe('`kbinit certs certificate-key`');
    expect(inText('`systemctl start kubelet`, then kbinit')).toBe('`systemctl start kubelet`, then kbinit');
  });

  test('is left alone where a quote is open or another command follows', () => {
    expect(inText('`kbinit reset; rm -r /x`')).toBe('`kbinit reset; rm -r /x`');
    expect(inText("`kbinit init --config 'a`b'")).toBe("`kbinit init --config 'a`b'");
  });

  test('repeats what reaches hosts, and nothing else', () => {
    const all: Way = {
      host: 'n1',
      sshConfig: 'none',
      acceptNewHostKeys: true,
      sshTimeout: 5,
      reconnectTimeout: 60,
      rootfs: '/mnt',
    };
    expect(suggestionsOf(all).command('kbinit reset')).toBe(
      'kbinit reset --host n1 --ssh-config none --accept-new-host-keys --ssh-timeout 5 --reconnect-timeout 60 --rootfs /mnt',
    );
    // The tree that is mounted on one host is none of another's.
    expect(suggestionsOf(all).inText('`kbinit reset --host root@NODE`')).not.toContain('rootfs');
  });
});

test('a run on this machine suggests commands for this machine', () => {
  const { inText } = suggestionsOf({});
  expect(inText('`kbinit reset`; `kbinit etcd status --host root@CONTROL_PLANE`', 'laptop')).toBe(
    '`kbinit reset`; `kbinit etcd status --host root@CONTROL_PLANE`',
  );
});

describe('of many hosts', () => {
  const suggestions = suggestionsOf({ hosts: ['root@n1', 'ops@n2:2222'] });

  test('the one that a text is about is named as it was typed', () => {
    expect(suggestions.inText('`kbinit reset`', 'n2')).toBe('`kbinit reset --host ops@n2:2222`');
  });

  test('a command about none of them, or several, leaves the host open: it never works on this machine', () => {
    expect(suggestions.inText('`kbinit reset`', 'laptop')).toBe('`kbinit reset --host root@HOST`');
    expect(suggestions.inText('`kbinit reset`', 'n1, n2')).toBe('`kbinit reset --host root@HOST`');
  });

  test('one that is reached later is known by its name', () => {
    suggestions.learn('root@10.0.0.9');
    expect(suggestions.inText('`kbinit token create`', '10.0.0.9')).toBe('`kbinit token create --host root@10.0.0.9`');
  });
});

test('problems, warnings and steps leave a run with complete commands', () => {
  const seen: RunEvent[] = [];
  const reporter = suggesting({ emit: (event) => void seen.push(event) }, suggestionsOf({ host: 'n1' }));
  const text = 'run `kbinit reset`';
  reporter.emit({ kind: 'warning', host: 'n1', text });
  reporter.emit({ kind: 'step', host: 'n1', text });
  reporter.emit({ kind: 'problem', problem: { code: 'KB_BUG', summary: '', detail: text, fix: text, host: 'n1' } });
  const complete = 'run `kbinit reset --host n1`';
  expect(seen).toMatchObject([
    { text: complete },
    { text: complete },
    { problem: { detail: complete, fix: complete } },
  ]);
});

test('what is known of each command is what it declares', () => {
  for (const known of leafCommands()) {
    const words = ['kbinit', ...known.path.split(' ')];
    // The host of `bundle create` is one to take images from.
    const hasHost = optionOf(known, '--host') !== undefined && known.path !== 'bundle create';
    expect([known.path, takesHost(words)]).toEqual([known.path, hasHost]);
    const hasSsh = optionOf(known, '--known-hosts') !== undefined && known.path !== 'bundle create';
    expect([known.path, takesSshFlags(words)]).toEqual([known.path, hasSsh]);
    expect([known.path, takesRootfs(words)]).toEqual([known.path, optionOf(known, '--rootfs') !== undefined]);
  }
});

describe("for phases, the operator's side of a host", () => {
  const operator = suggestionsOf(way).operator('root@192.168.3.29');

  test('leads to the host, and to another one with the same login', () => {
    expect(operator.over()).toBe(`--host root@192.168.3.29 ${flags}`);
    expect(operator.over('NODE')).toBe(`--host root@NODE ${flags}`);
  });

  test('completes a command', () => {
    expect(operator.command('kbinit addon apply flannel')).toBe(
      `kbinit addon apply flannel --host root@192.168.3.29 ${flags}`,
    );
  });
});
