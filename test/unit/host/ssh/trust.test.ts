import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { knownHostsLine } from '../../../../src/host/ssh/known-hosts.ts';
import { authorize, makeKey, makeKnown, readDestination, readSource } from '../../../../src/host/ssh/trust.ts';
import type { HostFacts } from '../../../../src/host/host.ts';
import { FakeHost, type FakeHostOptions } from '../../../fakes/host.ts';
import { failureOf } from '../../../fakes/failure.ts';
import { anyHostName } from '../../../fakes/host-names.ts';
import { ecdsa, ed25519, text } from './known-hosts-table.ts';

/** What the hosts of `kbinit ssh trust` say of themselves goes into each other's files: only what has the right shape. */

const key = text(ed25519());
const hostKey = text(ecdsa());

function source(lines: string, more: FakeHostOptions['replies'] = []): FakeHost {
  return new FakeHost({
    name: 'b',
    replies: [...more, ['ssh-keygen -y', `user root\nhome /root\n${lines}`], ['runuser', '']],
  });
}

function destination(
  facts: Partial<HostFacts>,
  lines = `user root\nhome /root\nhostkey ${hostKey} root@a\n`,
): FakeHost {
  return new FakeHost({
    name: 'a',
    facts,
    replies: [
      ['sshd -T', lines],
      ['runuser', ''],
    ],
  });
}

const at = { address: '10.0.0.1', port: 22 };

/** What goes into the source's known_hosts. */
async function written(hostname: string, resolver: string, address = at.address): Promise<readonly string[]> {
  const from = source('', [['getent ahosts', resolver]]);
  const to = await readDestination(destination({ hostname }), { ...at, address });
  await makeKnown(await readSource(from), [to]);
  const { command = '' } = from.ran.find((one) => one.why?.includes('host keys known')) ?? {};
  return [...command.matchAll(/^(?:.*')?(\S+) ecdsa-sha2-nistp256 /gm)].map(([, hosts = '']) => hosts);
}

describe('the names in known_hosts', () => {
  test.each([
    ['*', ''],
    ['?', ''],
    ['!a', ''],
    ['a,vault.example', ''],
    ['|1|c2FsdHNhbHRzYWx0c2FsdHM=|aGFzaGhhc2hoYXNoaGFzaGg=', ''],
    ['a vault.example', ''],
    ['localhost', 'localhost 10.0.0.1\n'],
    ['10.0.0.9', '10.0.0.9 10.0.0.1\n'],
    ['', ''],
    ['vault.example', 'vault.example 10.9.9.9\n'],
    ['vault.example', 'vault.example 10.0.0.1 10.9.9.9\n'],
    ['vault.example', 'vault.example\n'],
    ['vault.example', 'other 10.0.0.1\n'],
  ])('are the address alone where the host calls itself %j and the resolver says %j', async (hostname, resolver) => {
    expect(await written(hostname, resolver)).toEqual(['10.0.0.1']);
  });

  test('have the name of the host where the source finds it at that address', async () => {
    expect(await written('Node1.lan', 'node1.lan 10.0.0.1\n')).toEqual(['10.0.0.1', 'node1.lan']);
  });

  test('have it where the name that was typed leads to the same address', async () => {
    const answer = 'node1 10.0.0.1 fd00::1\nweb.lan fd00:0::1 10.0.0.1\n';
    expect(await written('node1', answer, 'web.lan')).toEqual(['web.lan', 'node1']);
  });
});

test('whatever a host is called, known_hosts gets its key for its address and for one name at most', async () => {
  const property = fc.asyncProperty(anyHostName, async (hostname) => {
    const from = source('', [['getent ahosts', `${hostname.toLowerCase()} 10.0.0.1\n`]]);
    const to = await readDestination(destination({ hostname }), at);
    await makeKnown(await readSource(from), [to]);
    const { command = '' } = from.ran.find((one) => one.why?.includes('host keys known')) ?? {};
    const lines = command.split('\n').filter((line) => line.includes(hostKey.split(' ')[1] ?? hostKey));
    const hosts = lines.map((line) =>
      / ?'?(\S+) ecdsa-sha2-nistp256 [A-Za-z0-9+/=]+/.exec(line)?.[1]?.replace(/^.*'/, ''),
    );
    expect(hosts[0]).toBe('10.0.0.1');
    expect(hosts.slice(1)).toEqual(hosts.length === 1 ? [] : [hostname.toLowerCase()]);
    for (const host of hosts) expect(host).toMatch(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/);
  });
  await fc.assert(property, { numRuns: 300 });
});

test('whatever a key is, a line of known_hosts is three words', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      expect(knownHostsLine({ host: 'a', port: 22 }, Buffer.from(bytes))).toMatch(/^a [a-z0-9@.-]+ [A-Za-z0-9+/=]*\n$/);
    }),
  );
});

describe('a public key', () => {
  test('without its comment is what there is', async () => {
    expect((await readSource(source(`key ${key} root@b c\n`))).publicKey).toBe(key);
  });

  test.each([
    ['an option before it', `cert-authority ${key}`],
    ['an option behind a tab', `cert-authority\t${key}`],
    ['a tab inside', key.replace(' ', '\t')],
    ['a comma', key.replace(' ', ', ')],
    ['the type of another key', text(ecdsa()).replace('ecdsa-sha2-nistp256', 'ssh-ed25519')],
    ['no key behind the type', 'ssh-ed25519 AAAA'],
    ['something behind the base64', `${key}\tx`],
  ])('with %s is refused', async (_what, line) => {
    const failure = await failureOf(readSource(source(`key ${line}\n`)));
    expect(failure.problems[0]).toMatchObject({ code: 'KB_HOST_FACT', host: 'b' });
  });

  test('that ssh-keygen is said to have made is judged as well', async () => {
    const from = await readSource(source('', [['ssh-keygen -q', `ssh-ed25519 ${text(ecdsa()).split(' ')[1]}\n`]]));
    expect((await failureOf(makeKey(from))).problems[0]?.code).toBe('KB_HOST_FACT');
  });

  test('goes into authorized_keys as one line', async () => {
    const host = destination({ hostname: 'a' });
    await authorize(await readDestination(host, at), key, 'root@b');
    expect(host.ran.at(-1)?.command).toContain(`'${key} root@b'`);
  });
});

describe('a login user', () => {
  test.each(['-u', 'a b', 'root\u001B]0;x\u0007', 'a,b', '*', ''])('%j is refused', async (user) => {
    const host = destination({}, `user ${user}\nhome /root\nhostkey ${hostKey}\n`);
    expect((await failureOf(readDestination(host, at))).problems[0]).toMatchObject({ code: 'KB_HOST_FACT', host: 'a' });
  });
});
