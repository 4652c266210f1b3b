import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { main } from '../../../../src/cli/main.ts';
import { connectSsh, openSshPool } from '../../../../src/host/ssh/pool.ts';
import { knownHostsLine } from '../../../../src/host/ssh/known-hosts.ts';
import { failureOf } from '../../../fakes/failure.ts';
import { borrowedKey, ownKey, startImpostor, type Impostor, type ServerKey } from './impostor.ts';

/** A host key counts when the key exchange was signed with it, wherever one is recorded or compared. */

let home: string;
let known: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'kbinit-possession-'));
  known = join(home, 'known_hosts');
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true });
});

const victim = ownKey('ed25519');

function place({ port }: Impostor): { host: string; port: number; user: string; name: string } {
  return { host: '127.0.0.1', port, user: 'root', name: 'master1' };
}

function recall(impostor: Impostor, key: ServerKey, marker = ''): void {
  writeFileSync(known, `${marker}${knownHostsLine(place(impostor), key.blob)}`);
}

async function shown(impostor: Impostor): Promise<readonly string[]> {
  const pool = openSshPool({ homeDirectory: home, knownHostsFile: known });
  try {
    return (await pool.hostKeys(place(impostor))).map((blob) => blob.toString('base64'));
  } finally {
    await pool.close();
  }
}

describe('the keys that a host shows', () => {
  test('are all of its own, one a type, and nobody logs in for them', async () => {
    const keys = [ownKey('ed25519'), ownKey('ecdsa'), ownKey('rsa')];
    const host = await startImpostor(keys);
    expect(await shown(host)).toEqual(keys.map(({ blob }) => blob.toString('base64')));
    expect(host.logins).toEqual([]);
  });

  test.each([
    ['a key whose private half it has not, beside one of its own', () => [borrowed('ed25519'), ownKey('ecdsa')]],
    ['one of its own, and behind it one that it has not', () => [ownKey('ed25519'), borrowed('rsa')]],
    ['nothing but a key that it has not', () => [borrowed('ecdsa')]],
  ])('count for nothing where it shows %s', async (_what, keys) => {
    const host = await startImpostor(keys());
    const failure = await failureOf(shown(host));
    expect(failure.problems.map(({ code }) => code)).toEqual(['KB_SSH_HOST_KEY_UNPROVEN']);
    expect(failure.exitCode).toBe(4);
  });

  test('are asked for once where it has not the private half', async () => {
    const host = await startImpostor([borrowed('ed25519')]);
    await failureOf(shown(host));
    expect(host.connections).toBe(1);
  });
});

function borrowed(kind: 'ed25519' | 'ecdsa' | 'rsa'): ServerKey {
  return borrowedKey(kind, ownKey(kind).blob);
}

describe('a login', () => {
  const login = (host: Impostor, acceptNewHostKeys = false): Promise<unknown> =>
    connectSsh({ ...place(host), homeDirectory: home, knownHostsFile: known, acceptNewHostKeys });

  test('records no key with --accept-new-host-keys that did not sign', async () => {
    const host = await startImpostor([borrowedKey('ed25519', victim.blob)]);
    const failure = await failureOf(login(host, true));
    expect(failure.problems[0]?.code).toBe('KB_SSH_HOST_KEY_UNPROVEN');
    expect(existsSync(known)).toBe(false);
    expect([host.connections, host.logins]).toEqual([1, []]);
  });

  test('records one that signed before the first attempt', async () => {
    const key = ownKey('ecdsa');
    const host = await startImpostor([key]);
    expect((await failureOf(login(host, true))).problems[0]?.code).toBe('KB_SSH_AUTH');
    expect(readFileSync(known, 'utf8')).toBe(knownHostsLine(place(host), key.blob));
    expect(host.logins).toEqual(['none']);
  });

  test('is not tried where the key is known and did not sign', async () => {
    const host = await startImpostor([borrowedKey('ed25519', victim.blob), ownKey('ecdsa')]);
    recall(host, victim);
    expect((await failureOf(login(host))).problems[0]?.code).toBe('KB_SSH_HOST_KEY_UNPROVEN');
    expect(host.logins).toEqual([]);
  });

  test.each([
    ['unknown', undefined, 'KB_SSH_HOST_KEY_UNKNOWN'],
    ['another one than before', '', 'KB_SSH_HOST_KEY_CHANGED'],
    ['revoked', '@revoked ', 'KB_SSH_HOST_KEY_REVOKED'],
  ])('is not tried where the key is %s', async (_what, marker, code) => {
    const key = ownKey('ed25519');
    const host = await startImpostor([key]);
    if (marker !== undefined) recall(host, marker === '' ? victim : key, marker);
    expect((await failureOf(login(host))).problems[0]?.code).toBe(code);
    expect(host.logins).toEqual([]);
  });
});

describe('ssh scan', () => {
  async function scan(
    host: Impostor,
    flags: readonly string[] = ['--yes'],
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    const [stdout, stderr]: [string[], string[]] = [[], []];
    vi.stubEnv('HOME', home);
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => stdout.push(String(text)) > 0);
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => stderr.push(String(text)) > 0);
    const target = `root@127.0.0.1:${host.port}`;
    const code = await main(['ssh', 'scan', target, '--known-hosts', known, '--ssh-config', 'none', ...flags]);
    return { code, stdout: stdout.join(''), stderr: stderr.join('') };
  }

  test('records nothing of a host that shows a known key without its private half, beside one of its own', async () => {
    const host = await startImpostor([borrowedKey('ed25519', victim.blob), ownKey('ecdsa')]);
    recall(host, victim);
    const before = readFileSync(known, 'utf8');
    const { code, stdout, stderr } = await scan(host);
    expect(code).toBe(4);
    expect(stderr).toContain('KB_SSH_HOST_KEY_UNPROVEN');
    expect(stdout).not.toContain('new');
    expect(readFileSync(known, 'utf8')).toBe(before);
  });

  // Somebody in between can pass the exchange with the known key on to the host, and answer the next one himself.
  test.each([
    ['with --yes', ['--yes']],
    ['with --yes in a dry run', ['--yes', '--dry-run']],
    ['where nobody is at a terminal', []],
  ])('records no further key of a host that is known, %s', async (_how, flags) => {
    const host = await startImpostor([victim, ownKey('ecdsa')]);
    recall(host, victim);
    const before = readFileSync(known, 'utf8');
    const { code, stderr, stdout } = await scan(host, flags);
    expect(code).toBe(4);
    expect(stderr).toMatch(/KB_SSH_HOST_KEY_FURTHER[^]*ecdsa-sha2-nistp256 key SHA256:[^]*of the type ssh-ed25519/);
    expect(stdout).not.toContain('keys added');
    expect(readFileSync(known, 'utf8')).toBe(before);
  });

  test('records every key of a host that is not known with --yes', async () => {
    const other = ownKey('ecdsa');
    const host = await startImpostor([victim, other]);
    expect(await scan(host)).toMatchObject({ code: 0 });
    const written = readFileSync(known, 'utf8');
    for (const key of [victim, other]) expect(written).toContain(knownHostsLine(place(host), key.blob));
  });

  test.each([
    ['another key of a known type', (host: Impostor) => recall(host, ownKey('ed25519')), 'KB_SSH_HOST_KEY_CHANGED'],
    ['a key that is revoked', (host: Impostor) => recall(host, victim, '@revoked '), 'KB_SSH_HOST_KEY_REVOKED'],
    [
      'keys of types that were never seen alone',
      (host: Impostor) => recall(host, ownKey('rsa')),
      'KB_SSH_HOST_KEY_CHANGED',
    ],
  ])('records nothing of a host that has %s', async (_what, prepare, expected) => {
    const host = await startImpostor([victim, ownKey('ecdsa')]);
    prepare(host);
    const before = readFileSync(known, 'utf8');
    const { code, stderr } = await scan(host);
    expect(code).toBe(4);
    expect(stderr).toContain(expected);
    expect(readFileSync(known, 'utf8')).toBe(before);
  });
});
