import { execFile, execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KbError } from '../../../../src/errors.ts';
import { connectSsh } from '../../../../src/host/ssh/pool.ts';
import { ecdsa, ed25519, rsa, text } from './known-hosts-table.ts';
import { canRunSshd, startSshd, type Sshd } from './sshd.ts';

/** Host key cases that take a whole connection: which type is asked for, which files are read, aliases, certificates. */

let plain: Sshd;
let certified: { readonly valid: Sshd; readonly expired: Sshd; readonly otherName: Sshd };

interface Case {
  readonly sshd: Sshd;
  readonly user: string;
  readonly global?: string;
  readonly alias?: string;
  readonly host?: string;
}

const files = (one: Case): { readonly user: string; readonly global: string } => {
  const paths = { user: join(one.sshd.folder, 'known-user'), global: join(one.sshd.folder, 'known-global') };
  writeFileSync(paths.user, one.user);
  writeFileSync(paths.global, one.global ?? '');
  return paths;
};

/** What the real ssh makes of it. */
async function theirs(one: Case): Promise<'accepted' | 'refused'> {
  const { user, global } = files(one);
  const settings = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'UpdateHostKeys=no',
    `UserKnownHostsFile=${user}`,
    `GlobalKnownHostsFile=${global}`,
    ...(one.alias === undefined ? [] : [`HostKeyAlias=${one.alias}`]),
  ].flatMap((setting) => ['-o', setting]);
  const args = ['-F', 'none', ...settings, '-i', one.sshd.key, '-p', String(one.sshd.port), '-l', 'root'];
  return new Promise((resolve, reject) => {
    execFile('ssh', [...args, one.host ?? '127.0.0.1', 'true'], { timeout: 10_000 }, (error, _out, said) => {
      if (error === null) resolve('accepted');
      else if (/Host key verification failed/.test(said)) resolve('refused');
      else reject(new Error(said));
    });
  });
}

/** What we make of it: accepted, or the code. */
async function ours(one: Case): Promise<string> {
  const { user, global } = files(one);
  try {
    const transport = await connectSsh({
      host: one.host ?? '127.0.0.1',
      port: one.sshd.port,
      user: 'root',
      name: 'h',
      identityFiles: [one.sshd.key],
      homeDirectory: one.sshd.home,
      userKnownHostsFiles: [user],
      globalKnownHostsFiles: [global],
      ...(one.alias !== undefined && { hostKeyAlias: one.alias }),
    });
    await transport.close();
    return 'accepted';
  } catch (error) {
    if (error instanceof KbError) return error.problems[0]?.code ?? '';
    throw error;
  }
}

const at = (sshd: Sshd): string => `[127.0.0.1]:${sshd.port}`;
const [foreign, foreignEc, foreignRsa] = [text(ed25519()), text(ecdsa()), text(rsa())];

/** [what, the case, what we say; the real ssh accepts exactly what we accept] */
function rows(): readonly (readonly [string, Case, string])[] {
  const ed = plain.hostKey('ed25519');
  const ec = plain.hostKey('ecdsa');
  const name = at(plain);
  const row = (user: string, more: Partial<Case> = {}): Case => ({ sshd: plain, user, ...more });
  const [unknown, changed, revoked] = ['KB_SSH_HOST_KEY_UNKNOWN', 'KB_SSH_HOST_KEY_CHANGED', 'KB_SSH_HOST_KEY_REVOKED'];
  return [
    ['nothing known', row(''), unknown],
    ['the Ed25519 key', row(`${name} ${ed}\n`), 'accepted'],
    ['only the ECDSA key', row(`${name} ${ec}\n`), 'accepted'],
    ['both keys', row(`${name} ${ed}\n${name} ${ec}\n`), 'accepted'],
    ['only an RSA key that the host does not have', row(`${name} ${foreignRsa}\n`), changed],
    ['a foreign Ed25519 key beside the right ECDSA one', row(`${name} ${foreign}\n${name} ${ec}\n`), changed],
    ['a foreign ECDSA key beside the right Ed25519 one', row(`${name} ${foreignEc}\n${name} ${ed}\n`), 'accepted'],
    ['a foreign RSA key beside the right ECDSA one', row(`${name} ${foreignRsa}\n${name} ${ec}\n`), 'accepted'],
    ['a foreign key alone', row(`${name} ${foreign}\n`), changed],
    ['the right key in the system file', row('', { global: `${name} ${ed}\n` }), 'accepted'],
    [
      'the right key in the system file, a foreign one in the user file',
      row(`${name} ${foreign}\n`, { global: `${name} ${ed}\n` }),
      'accepted',
    ],
    [
      'a foreign key in the system file, the right one in the user file',
      row(`${name} ${ed}\n`, { global: `${name} ${foreign}\n` }),
      'accepted',
    ],
    ['revoked in the system file', row(`${name} ${ed}\n`, { global: `@revoked * ${ed}\n` }), revoked],
    ['the other type is revoked', row(`${name} ${ed}\n@revoked * ${ec}\n`), 'accepted'],
    ['by alias', row(`web ${ed}\n`, { alias: 'web' }), 'accepted'],
    ['by alias, with a port', row(`[web]:${plain.port} ${ed}\n`, { alias: 'web' }), unknown],
    ['by alias, the address is known', row(`${name} ${ed}\n`, { alias: 'web' }), unknown],
    ['by alias in upper case', row(`web ${ed}\n`, { alias: 'WEB' }), 'accepted'],
    ['by alias, a pattern', row(`w* ${ed}\n`, { alias: 'web' }), 'accepted'],
    ['by alias, a foreign key', row(`web ${foreign}\n`, { alias: 'web' }), changed],
    ['by name, only the address is known', row(`${name} ${ed}\n`, { host: 'localhost' }), unknown],
    ['by name', row(`[localhost]:${plain.port} ${ed}\n`, { host: 'localhost' }), 'accepted'],
    ['by name, without the port', row(`localhost ${ed}\n`, { host: 'localhost' }), 'accepted'],
    ['the key for all hosts', row(`* ${ed}\n`), 'accepted'],
  ];
}

function hashed(line: string): string {
  const file = join(plain.folder, 'to-hash');
  writeFileSync(file, line);
  execFileSync('ssh-keygen', ['-H', '-f', file], { stdio: 'ignore' });
  return readFileSync(file, 'utf8');
}

describe.skipIf(!canRunSshd)('against ssh -o BatchMode=yes and a real sshd', () => {
  beforeAll(async () => {
    plain = await startSshd();
    const signed = (principals: string, validity: string): Promise<Sshd> =>
      startSshd({ hostKeys: ['ed25519'], certificate: { principals, validity } });
    const [valid, expired, otherName] = await Promise.all([
      signed('127.0.0.1,localhost', 'always:forever'),
      signed('127.0.0.1', '20200101:20200102'),
      signed('elsewhere', 'always:forever'),
    ]);
    certified = { valid, expired, otherName };
  });
  afterAll(() => Promise.all([plain, ...Object.values(certified)].map((sshd) => sshd.stop())));

  test('every host key gets the verdict that ssh gives it', { timeout: 60_000 }, async () => {
    const differing: unknown[] = [];
    for (const [what, one, expected] of rows()) {
      const [us, them] = [await ours(one), await theirs(one)];
      if (us !== expected || (us === 'accepted') !== (them === 'accepted')) differing.push([what, us, them]);
    }
    expect(differing).toEqual([]);
  });

  test('a file that ssh-keygen hashed is read', async () => {
    const one = { sshd: plain, user: hashed(`${at(plain)} ${plain.hostKey('ed25519')}\n`) };
    expect(one.user).toMatch(/^\|1\|/);
    expect([await ours(one), await theirs(one)]).toEqual(['accepted', 'accepted']);
  });

  test.each(['valid', 'expired', 'otherName'] as const)(
    'a host certificate (%s) is refused by a code of its own',
    async (kind) => {
      const sshd = certified[kind];
      const authority = readFileSync(join(sshd.folder, 'ca.pub'), 'utf8');
      const one = { sshd, user: `@cert-authority * ${authority}` };
      expect(await ours(one)).toBe('KB_SSH_HOST_CERTIFICATE');
      // What a certificate is worth to ssh: the reason why ours is a refusal and not a guess.
      expect(await theirs(one)).toBe(kind === 'valid' ? 'accepted' : 'refused');
    },
  );

  test.each(['valid', 'expired', 'otherName'] as const)(
    'a host with a certificate (%s) is known by its plain key',
    async (kind) => {
      const sshd = certified[kind];
      const one = { sshd, user: `${at(sshd)} ${sshd.hostKey('ed25519')}\n` };
      expect([await ours(one), await theirs(one)]).toEqual(['accepted', 'accepted']);
    },
  );
});
