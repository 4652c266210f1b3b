import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Algorithms } from 'ssh2';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  cipherAlgorithms,
  hmacAlgorithms,
  isTooShort,
  kexAlgorithms,
  mayLogIn,
  refusedBy,
  type AlgorithmLists,
} from '../../../../src/host/ssh/algorithms.ts';
import { loginAttempts } from '../../../../src/host/ssh/attempts.ts';
import { connectSsh, openSshPool } from '../../../../src/host/ssh/pool.ts';
import { knownHostsLine } from '../../../../src/host/ssh/known-hosts.ts';
import type { SshOptions } from '../../../../src/host/ssh/options.ts';
import { revocations } from '../../../../src/host/ssh/revoked-keys.ts';
import { failureOf } from '../../../fakes/failure.ts';
import { ownKey, startImpostor, type Impostor } from './impostor.ts';
import { ecdsa, ed25519, rsa, text } from './known-hosts-table.ts';

/** What ssh_config refuses, kbinit refuses: keys, algorithms, ways to log in. */

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'kbinit-refusals-'));
});
afterEach(() => rmSync(home, { recursive: true }));
const at = (name: string): string => join(home, name);

function options(host: Impostor, more: Partial<SshOptions> = {}): SshOptions {
  const place = { host: '127.0.0.1', port: host.port, user: 'root', name: 'web' };
  return { ...place, homeDirectory: home, knownHostsFile: at('known_hosts'), ...more };
}

function refused(lists: AlgorithmLists): Partial<SshOptions> {
  const found = refusedBy(lists);
  if ('nothingLeft' in found) throw new Error(`nothing is left of ${found.nothingLeft}`);
  return { refusedAlgorithms: found };
}

async function codeOf(run: Promise<unknown>): Promise<string> {
  return (await failureOf(run)).problems[0]?.code ?? '';
}

describe('RevokedHostKeys', () => {
  const [ours, other] = [ownKey('ed25519'), ownKey('ecdsa')];

  test('refuses a key that known_hosts has, before any login, and scan does not record it', async () => {
    const host = await startImpostor([ours]);
    writeFileSync(at('known_hosts'), knownHostsLine({ host: '127.0.0.1', port: host.port }, ours.blob));
    writeFileSync(at('revoked'), `# old\n\n${text(other.blob)} other\n  ${text(ours.blob)} web\n`);
    const failure = await failureOf(connectSsh(options(host, { revokedHostKeyFiles: [at('revoked')] })));
    expect(failure.problems[0]?.code).toBe('KB_SSH_HOST_KEY_REVOKED');
    expect(failure.problems[0]?.detail).toContain(`${at('revoked')}:4 revokes it`);
    expect(host.logins).toEqual([]);
    const accepting = options(host, { revokedHostKeyFiles: [at('revoked')], acceptNewHostKeys: true });
    expect(await codeOf(connectSsh({ ...accepting, knownHostsFile: at('new') }))).toBe('KB_SSH_HOST_KEY_REVOKED');
  });

  test('lets other keys pass', async () => {
    const host = await startImpostor([ours]);
    writeFileSync(at('known_hosts'), knownHostsLine({ host: '127.0.0.1', port: host.port }, ours.blob));
    writeFileSync(at('revoked'), `${text(other.blob)}\n`);
    expect(await codeOf(connectSsh(options(host, { revokedHostKeyFiles: [at('revoked')] })))).toBe('KB_SSH_AUTH');
  });

  test('as a KRL is read by ssh-keygen', async () => {
    writeFileSync(at('a.pub'), `${text(ours.blob)}\n`);
    execFileSync('ssh-keygen', ['-q', '-k', '-f', at('krl'), at('a.pub')]);
    expect(await revocations([at('krl')], [ours.blob, other.blob])).toMatchObject([{ blob: ours.blob }]);
  });

  test.each([
    ['is not there', undefined],
    ['has a line that is no key', `${text(ours.blob)}\nno key\n`],
    ['is a KRL that is cut off', 'SSHKRL\n\0'],
  ])('that %s refuses every host, as with ssh', async (_what, body) => {
    if (body !== undefined) writeFileSync(at('revoked'), body);
    const failure = await failureOf(revocations([at('revoked')], [other.blob]));
    expect(failure.problems[0]?.code).toBe('KB_SSH_CONFIG');
    expect(failure.problems[0]?.detail).toContain(at('revoked'));
  });
});

describe('algorithms', () => {
  test('that kbinit offers are those of the SSH library', () => {
    const load = createRequire(import.meta.url);
    const library: Readonly<Record<string, readonly string[]>> = load('ssh2/lib/protocol/constants.js');
    const sorted = (names: readonly string[] = []): readonly string[] => names.toSorted();
    expect(sorted(kexAlgorithms)).toEqual(sorted(library['DEFAULT_KEX']));
    expect(sorted(cipherAlgorithms)).toEqual(sorted(library['DEFAULT_CIPHER']));
    expect(sorted(hmacAlgorithms)).toEqual(sorted(library['DEFAULT_MAC']));
  });

  test('of host keys that are refused are not asked for', async () => {
    const host = await startImpostor([ownKey('ed25519'), ownKey('ecdsa')]);
    const more = refused({ hostKey: 'rsa-sha2-512' });
    expect(await codeOf(connectSsh(options(host, { acceptNewHostKeys: true, ...more })))).toBe('KB_SSH_UNREACHABLE');
    const pool = openSshPool({ homeDirectory: home });
    expect(await pool.hostKeys(options(host, more))).toEqual([]);
    const one = await pool.hostKeys(options(host, refused({ hostKey: 'ecdsa-*' })));
    await pool.close();
    expect(one).toHaveLength(1);
    expect(host.logins).toEqual([]);
  });

  test.each<[string, Algorithms, AlgorithmLists]>([
    ['a cipher', { cipher: ['aes128-ctr'] }, { cipher: 'aes256-ctr' }],
    ['a key exchange', { kex: ['curve25519-sha256'] }, { kex: 'ecdh-sha2-nistp256' }],
    ['a MAC', { cipher: ['aes128-ctr'], hmac: ['hmac-sha2-256'] }, { cipher: 'aes128-ctr', hmac: 'hmac-sha2-512' }],
  ])('of a connection: %s that the host lacks ends it', async (_what, theirs, ours) => {
    const host = await startImpostor([ownKey('ed25519')], theirs);
    const accepting = { acceptNewHostKeys: true };
    expect(await codeOf(connectSsh(options(host, { ...accepting, ...refused(ours) })))).toBe('KB_SSH_UNREACHABLE');
    expect(host.connections).toBe(1);
    expect(await codeOf(connectSsh(options(host, accepting)))).toBe('KB_SSH_AUTH');
  });

  test('of a connection that are all allowed take nothing away', async () => {
    const host = await startImpostor([ownKey('ed25519')], { cipher: ['aes256-gcm@openssh.com'] });
    const more = refused({ cipher: 'aes256-gcm@openssh.com', hmac: 'umac-64@openssh.com', kex: '+x', hostKey: '^x' });
    expect(await codeOf(connectSsh(options(host, { acceptNewHostKeys: true, ...more })))).toBe('KB_SSH_AUTH');
  });
});

describe('keys', () => {
  test.each([
    [ed25519(), 'ssh-ed25519', true],
    [ed25519(), 'rsa-*,ecdsa-*', false],
    [ed25519(), '-ssh-ed25519', false],
    [ed25519(), '+ssh-rsa', true],
    [rsa(), 'rsa-sha2-256', true],
    [rsa(), 'ssh-ed25519', false],
    [ecdsa(), '-rsa-*', true],
  ])('may log in where PubkeyAcceptedAlgorithms has them (%#)', (blob, accepted, expected) => {
    expect(mayLogIn(blob, { accepted })).toBe(expected);
  });

  test('of RSA have a length', () => {
    expect([2048, 2049].map((rsaBits) => isTooShort(rsa(), { rsaBits }))).toEqual([false, true]);
    expect(isTooShort(ed25519(), { rsaBits: 4096 })).toBe(false);
  });

  test('and passwords that are refused are not offered', async () => {
    const host = await startImpostor([ownKey('ed25519')]);
    let questions = 0;
    const ask = async (): Promise<string> => `answer ${++questions}`;
    const refusedMethods = ['password', 'keyboard-interactive'] as const;
    expect(await codeOf(connectSsh(options(host, { acceptNewHostKeys: true, ask, refusedMethods })))).toBe(
      'KB_SSH_AUTH',
    );
    expect([questions, host.logins]).toEqual([0, ['none']]);
    const agentKeys = [{ publicBlob: rsa(), comment: 'old' }];
    const attempts = loginAttempts({
      agentKeys,
      identities: [],
      areIdentitiesNamed: false,
      accepts: (blob) => mayLogIn(blob, { accepted: 'ssh-ed25519' }),
      methodsLeft: () => ['publickey'],
    });
    const kinds: string[] = [];
    for await (const { kind } of attempts) kinds.push(kind);
    expect(kinds).toEqual(['none']);
  });
});
