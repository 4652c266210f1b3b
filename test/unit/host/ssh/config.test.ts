import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { KbError } from '../../../../src/errors.ts';
import type { Asked, HostConfig } from '../../../../src/host/ssh/config.ts';
import { openSshConfig } from '../../../../src/host/ssh/config-files.ts';
import { findRoute, type Route, type RouteFlags } from '../../../../src/host/ssh/route.ts';
import { readTarget } from '../../../../src/host/ssh/target.ts';
import { isMissing } from '../../../programs.ts';

const folder = mkdtempSync(join(tmpdir(), 'kbinit-config-'));
const file = join(folder, 'config');
const trap = join(folder, 'trap');
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => rmSync(trap, { force: true }));

const hasSsh = !isMissing('/usr/bin/ssh');
/** The account's own: ssh takes no other. */
const homeDirectory = userInfo().homedir;
const me = userInfo().username;
let warnings: string[] = [];

/** `program`: '/nowhere' is a machine without ssh. */
async function read(text: string, asked: Asked, program = '/nowhere'): Promise<HostConfig> {
  writeFileSync(file, text);
  warnings = [];
  const config = await openSshConfig({ file, homeDirectory, program, warn: (words) => warnings.push(words) });
  return config.for(asked);
}

async function route(text: string, target: string, flags: RouteFlags = {}): Promise<Route> {
  writeFileSync(file, text);
  warnings = [];
  const warn = (words: string): void => void warnings.push(words);
  const config = await openSshConfig({ file, homeDirectory, program: '/nowhere', warn });
  const wanted = readTarget(target);
  if (wanted === undefined) throw new Error(`${target} is no target`);
  return findRoute(wanted, { config, flags, warn });
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no failure',
    (error: unknown) => (error instanceof KbError ? error.message : String(error)),
  );
}

mkdirSync(join(folder, 'more.d'));
writeFileSync(join(folder, 'more.d', '10-web.conf'), 'Host web\n  Port 1010\n');
const policy = 'Ciphers aes256-gcm@openssh.com,aes256-ctr\nMACs hmac-sha2-256\nHostKeyAlgorithms ecdsa-sha2-nistp256\n';
writeFileSync(join(folder, 'policy.conf'), policy);
writeFileSync(join(folder, 'more.d', '20-web.conf'), 'Host web\n  Port 2020\n  User late\n');

/** [what, configuration, what is asked for] */
const table: readonly (readonly [string, string, Asked])[] = [
  ['nothing about the host', 'Host other\n  User bob\n  IdentityFile /k\n', { alias: 'web' }],
  ['a block for the host', 'Host web\n  HostName 10.0.0.5\n  User bob\n  Port 2222\n', { alias: 'web' }],
  ['the first value counts', 'Host web\n  User a\nHost *\n  User b\n  Port 7\n', { alias: 'web' }],
  ['lines before any block', 'User a\nHost web\n  User b\n', { alias: 'web' }],
  ['patterns', 'Host n?.example *.lan\n  User a\n', { alias: 'n7.example' }],
  ['a negated pattern', 'Host *.lan !bad.lan\n  User a\n', { alias: 'bad.lan' }],
  ['equals signs and odd case', 'hOsT=web\n  USER = bob\n  port=33\n', { alias: 'web' }],
  ['quotes', 'Host "web"\n  User "bob"\n  IdentityFile "/k 1"\n  IdentityFile /k2\n', { alias: 'web' }],
  ['a comment behind a value', 'Host web # the web\n  User bob # him\n', { alias: 'web' }],
  ['tokens of a host name', 'Host web\n  HostName %h.example.org\n', { alias: 'web' }],
  ['key files add up', 'Host web\n  IdentityFile ~/.ssh/a\nHost *\n  IdentityFile ~/.ssh/b\n', { alias: 'web' }],
  ['tokens of a key file', 'Host *\n  HostName h9\n  IdentityFile %d/keys/%r@%h-%n\n  User u\n', { alias: 'web' }],
  ['only these keys', 'Host *\n  IdentitiesOnly yes\n  IdentityFile /k\n', { alias: 'web' }],
  ['an agent of its own', 'Host *\n  IdentityAgent ~/agent.sock\n', { alias: 'web' }],
  ['no agent', 'Host *\n  IdentityAgent none\n', { alias: 'web' }],
  ['a jump', 'Host web\n  ProxyJump a@b1:2222,b2\n', { alias: 'web' }],
  ['no jump for one host', 'Host b\n  ProxyJump none\nHost *\n  ProxyJump b\n', { alias: 'b' }],
  ['a command before a jump', 'Host *\n  ProxyCommand nc %h %p\nHost *\n  ProxyJump b\n', { alias: 'web' }],
  ['a jump before a command', 'Host *\n  ProxyJump b\nHost *\n  ProxyCommand nc %h %p\n', { alias: 'web' }],
  ['known_hosts files', 'Host *\n  UserKnownHostsFile ~/k1 /k2\n  GlobalKnownHostsFile /g\n', { alias: 'web' }],
  ['a known_hosts file with a blank', 'Host *\n  UserKnownHostsFile "/k 1" /k2\n', { alias: 'web' }],
  ['an alias for the key', 'Host *\n  HostKeyAlias Web.Example\n', { alias: 'web' }],
  ['a time-out', 'Host *\n  ConnectTimeout 7\n', { alias: 'web' }],
  ['a time-out with a unit', 'Host *\n  ConnectTimeout 2m\n', { alias: 'web' }],
  ['a user that is asked for', 'Host *\n  User a\n  Port 3\n', { alias: 'web', user: 'root', port: 22 }],
  ['an IPv6 address', 'Host fd00::*\n  User six\n', { alias: 'fd00::5' }],
  ['a certificate', 'Host *\n  CertificateFile ~/.ssh/x-cert.pub\n', { alias: 'web' }],
  ['Match all', 'Host other\n  Port 1\nMatch all\n  User m\n', { alias: 'web' }],
  ['Match host, after HostName', 'Host web\n  HostName db\nMatch host db\n  User m\n', { alias: 'web' }],
  ['Match originalhost', 'Host *\n  HostName db\nMatch originalhost web,mail\n  User m\n', { alias: 'web' }],
  [
    'Match user',
    'Match user root\n  IdentityFile /r\nMatch user bob\n  IdentityFile /b\n',
    { alias: 'w', user: 'bob' },
  ],
  ['Match with two criteria', 'Match originalhost web user root\n  Port 9\n', { alias: 'web', user: 'bob' }],
  ['Match negated', 'Match !originalhost web\n  Port 9\n', { alias: 'web' }],
  ['Match localuser', `Match localuser ${me}\n  Port 9\n`, { alias: 'web' }],
  ['an Include', `Include ${folder}/more.d/*.conf\n`, { alias: 'web' }],
  ['an Include in a block that applies', `Host web\n  Include ${folder}/more.d/10*\n  User x\n`, { alias: 'web' }],
  ['an Include in a block that does not', `Host b\n  Include ${folder}/more.d/*\nHost *\n  Port 5\n`, { alias: 'web' }],
  ['host key algorithms', 'Host *\n  HostKeyAlgorithms rsa-sha2-512,ssh-ed25519\n', { alias: 'web' }],
  ['host key algorithms without one', 'Host *\n  HostKeyAlgorithms -ssh-ed25519,rsa-*\n', { alias: 'web' }],
  [
    'ciphers, key exchanges and MACs',
    'Ciphers aes256-ctr\nKexAlgorithms ecdh-sha2-nistp256\nMACs hmac-sha2-512\n',
    { alias: 'w' },
  ],
  ['less ciphers and MACs', 'Ciphers -*gcm*,chacha*\nMACs -*sha1*\n', { alias: 'w' }],
  ['more ciphers', 'Ciphers +aes128-cbc\nMACs ^hmac-sha1\n', { alias: 'w' }],
  [
    'no MAC of ours, but ciphers that need none',
    'Ciphers aes256-ctr,aes256-gcm@openssh.com\nMACs umac-64@openssh.com\n',
    { alias: 'w' },
  ],
  ['keys that may log in', 'PubkeyAcceptedAlgorithms ssh-ed25519\nRequiredRSASize 3072\n', { alias: 'w' }],
  ['the old name of that', 'PubkeyAcceptedKeyTypes ssh-ed25519\n', { alias: 'w' }],
  ['revoked keys', 'RevokedHostKeys ~/revoked\n', { alias: 'w' }],
  ['no revoked keys', 'RevokedHostKeys none\n', { alias: 'w' }],
  ['revoked keys of one host', 'Host a\n  RevokedHostKeys /a\nHost *\n  RevokedHostKeys "/b 1"\n', { alias: 'w' }],
  ['no passwords', 'PasswordAuthentication no\n', { alias: 'w' }],
  ['no keyboard, by its old name', 'ChallengeResponseAuthentication no\n', { alias: 'w' }],
  ['only some methods', 'PreferredAuthentications gssapi-with-mic,keyboard-interactive\n', { alias: 'w' }],
  ['nothing that asks', 'BatchMode yes\n', { alias: 'w' }],
  ['no question', 'NumberOfPasswordPrompts 0\n', { alias: 'w' }],
  ['no keys', 'PubkeyAuthentication no\n', { alias: 'w' }],
  [
    'what kbinit does not follow',
    'VerifyHostKeyDNS ask\nCheckHostIP yes\nKnownHostsCommand /bin/false\n',
    { alias: 'w' },
  ],
  [
    'a crypto policy in a final block',
    `Match final all\n  Include ${folder}/policy.conf\nHost web\n  Port 3\n`,
    { alias: 'web' },
  ],
  [
    'a final block, behind HostName',
    'Host web\n  HostName db\nHost db\n  User early\nMatch final host db\n  Port 4\n',
    { alias: 'web' },
  ],
  [
    'a final block, where Host is the name that was found',
    'Host web\n  HostName db\n  IdentityFile /k\nHost db\n  Port 9\nMatch final all\n  IdentityFile /k2\n',
    { alias: 'web' },
  ],
  ['a block that is not final', 'Match !final originalhost web\n  Port 4\n', { alias: 'web' }],
  ['quoted keywords', '"Host" web\n  "Port" 8\n"Match" originalhost b\n  User x\n', { alias: 'web' }],
  ['tabs and carriage returns', 'Host\tweb\r\n\tPort\t=\t8\r\n', { alias: 'web' }],
  ['an Include in quotes', `Include "${folder}/more.d/10-web.conf"\n`, { alias: 'web' }],
  ['an Include of nothing', `Include ${folder}/none/*\nHost *\n  Port 5\n`, { alias: 'web' }],
];

describe('the own reading of ssh_config', () => {
  test.skipIf(!hasSsh).each(table)('%s is what ssh -G makes of it', async (_what, text, asked) => {
    const [own, exact] = [await read(text, asked), await read(text, asked, 'ssh')];
    // ssh -G always prints user, port and the default lists; our own reading leaves out what no file says.
    const { userKnownHostsFiles, globalKnownHostsFiles, ...rest } = exact;
    const isDefault = (files: readonly string[] | undefined): boolean =>
      files === undefined || files[1]?.endsWith('known_hosts2') === true;
    expect({ ...own, user: own.user ?? me, port: own.port ?? 22 }).toEqual({
      ...rest,
      ...(!isDefault(userKnownHostsFiles) && { userKnownHostsFiles }),
      ...(!isDefault(globalKnownHostsFiles) && { globalKnownHostsFiles }),
    });
  });

  test('takes ~ and Include from the home folder that it is given', async () => {
    const home = join(folder, 'home');
    mkdirSync(join(home, '.ssh', 'conf.d'), { recursive: true });
    writeFileSync(join(home, '.ssh', 'config'), 'Include conf.d/*\nInclude ~/.ssh/extra\n');
    writeFileSync(join(home, '.ssh', 'conf.d', 'a'), 'Host web\n  IdentityFile ~/k\n');
    writeFileSync(join(home, '.ssh', 'extra'), 'Host web\n  Port 77\n');
    const config = await openSshConfig({ homeDirectory: home, warn: () => undefined });
    expect(await config.for({ alias: 'web' })).toMatchObject({ port: 77, identityFiles: [join(home, 'k')] });
  });

  test('none is no file at all', async () => {
    const config = await openSshConfig({ file: 'none', homeDirectory, warn: () => undefined });
    expect(await config.for({ alias: 'web' })).toEqual({
      hostName: 'web',
      identitiesOnly: false,
      certificateFiles: [],
    });
  });

  test.each([
    ['that is not there', undefined, /KB_SSH_CONFIG.*ENOENT/],
    ['with an open quote', 'User "bob\n', /KB_SSH_CONFIG.*config:1.*quote/],
    ['that includes itself', `Include ${file}\n`, /KB_SSH_CONFIG.*Include/],
  ])('a named file %s is refused', async (_what, text, expected) => {
    if (text === undefined) {
      const gone = openSshConfig({ file: join(folder, 'gone'), homeDirectory, warn: () => undefined });
      expect(await codeOf(gone)).toMatch(expected);
    } else expect(await codeOf(read(text, { alias: 'web' }))).toMatch(expected);
  });

  test.skipIf(!hasSsh)('what ssh itself refuses is refused with its words', async () => {
    expect(await codeOf(read('Port 1\nNoSuchOption yes\n', { alias: 'web' }, 'ssh'))).toMatch(
      /KB_SSH_CONFIG.*NoSuchOption|nosuchoption/,
    );
  });
});

describe('a configuration that would run something', () => {
  test('Match exec is passed over with a warning, and nothing runs', async () => {
    const text = `Match exec "touch ${trap}"\n  User trapped\nHost *\n  Port 5\n`;
    expect(await read(text, { alias: 'web' }, 'ssh')).toMatchObject({ port: 5 });
    expect(warnings.join()).toMatch(/config:1: Match exec/);
    expect(existsSync(trap)).toBe(false);
  });

  test.skipIf(!hasSsh)('ssh -G would have run it: the trap is one', () => {
    writeFileSync(file, `Match exec "touch ${trap}"\n`);
    execFileSync('ssh', ['-G', '-F', file, 'web'], { stdio: 'ignore' });
    expect(existsSync(trap)).toBe(true);
  });

  const command = (): string => `"touch ${trap}"`;
  const included = join(folder, 'trap[1].conf');
  const nested = join(folder, 'nested.conf');

  test.each([
    ['a quoted keyword', () => `"Match" exec ${command()}`],
    ['a keyword in odd case with an equals sign', () => `mAtCh=exec ${command()}`],
    ['a keyword behind tabs', () => `\t\tMatch\texec\t${command()}`],
    ['a keyword in parts', () => `Ma"tch" exec ${command()}`],
    ['a quoted keyword without a blank behind it', () => `"Match"exec ${command()}`],
    ['an equals sign', () => `Match exec=${command()}`],
    ['a blank before the equals sign', () => `Match exec = ${command()}`],
    ['a quoted criterion', () => `Match "exec" ${command()}`],
    ['a criterion in parts', () => `Match ex"ec" ${command()}`],
    ['a criterion in single quotes', () => `Match 'exec' ${command()}`],
    ['a criterion with a backslash', () => `Match ex\\ec ${command()}`],
    ['a criterion in capitals', () => `Match EXEC ${command()}`],
    ['a negated criterion', () => `Match !exec ${command()}`],
    ['a criterion behind others', () => `Match originalhost web user * exec ${command()}`],
    ['the second pass', () => `Match final exec ${command()}`],
    ['the pass behind CanonicalizeHostname', () => `CanonicalizeHostname always\nMatch canonical exec ${command()}`],
    ['a carriage return', () => `Match exec ${command()}\r`],
    ['a form feed before the keyword', () => `\fMatch exec ${command()}`],
    ['a form feed for a blank', () => `Match\fexec ${command()}`],
    ['no blank before a comment', () => `Match all # exec ${command()}`],
    ['an Include of a bracket pattern', () => `Include ${join(folder, 'trap[[]1].conf')}`],
    ['an Include of another bracket pattern', () => `Include ${join(folder, 'nes[s-t]ed.conf')}`],
    ['an Include with a backslash', () => `Include ${nested.replace('nested', 'nes\\ted')}`],
    ['an Include with braces', () => `Include ${nested.replace('nested', '{nested,x}')}`],
    ['an Include of a variable', () => `Include \${HOME}/nested.conf`],
    ['an Include of a token', () => `Include %d/nested.conf`],
    ["an Include of a user's folder", () => `Include ~root/../${nested}`],
    ['an Include in single quotes', () => `Include '${nested}'`],
    ['an Include within an Include', () => `Include ${nested}`],
    ['an Include in a block', () => `Host web\n  Include ${nested}`],
    ['an Include with an equals sign', () => `Include=${nested}`],
    ['a quoted Include', () => `"Include" "${nested}"`],
  ])('is never asked of ssh -G: %s', async (_what, line) => {
    writeFileSync(included, `Match exec ${command()}\n`);
    writeFileSync(nested, `Include "${included.replace('[1]', '?1?')}"\nMatch exec ${command()}\n`);
    const told = await codeOf(read(`${line()}\nPort 7\n`, { alias: 'web' }, 'ssh'));
    expect(existsSync(trap)).toBe(false);
    // What was not refused was told of.
    expect(
      told.startsWith('KB_SSH_CONFIG') || warnings.join().includes('Match exec') || !line().includes('Match exec'),
    ).toBe(true);
  });

  test.each([
    ['a form feed', 'Match\fall\n', 1],
    ['a keyword in parts', 'Port 1\nHo"st" web\n', 2],
    ['a keyword that is none', 'Port 1\n\n=x\n', 3],
    ['a zero byte', 'Host web\0x\n', 1],
    ['a mark of byte order', '\uFEFFHost web\n', 1],
    ['an Include of ~root', 'Include ~root/x\n', 1],
    ['an Include with a class', 'Host *\nInclude x[1].conf\n', 2],
  ])('is refused with its line where it is not understood: %s', async (_what, text, line) => {
    expect(await codeOf(read(text, { alias: 'web' }))).toMatch(new RegExp(`^KB_SSH_CONFIG.*${file}:${line}:`, 's'));
  });

  test('ProxyCommand, LocalCommand and KnownHostsCommand never run', async () => {
    const commands = ['ProxyCommand', 'LocalCommand', 'KnownHostsCommand'].map((name) => `  ${name} touch ${trap}\n`);
    const text = `Host *\n  PermitLocalCommand yes\n${commands.join('')}`;
    const way = await route(text, 'web');
    await read(text, { alias: 'web' }, 'ssh');
    expect(way.via).toEqual([]);
    expect(existsSync(trap)).toBe(false);
  });
});

describe('the way to a host', () => {
  test('flags win over the configuration', async () => {
    const text = 'Host *\n  User a\n  Port 1\n  IdentityFile /k\n  ConnectTimeout 3\n';
    const way = await route(text, 'root@web:22', { identityFiles: ['/mine'], connectTimeoutSeconds: 9 });
    expect(way).toMatchObject({ user: 'root', port: 22, identityFiles: ['/mine'], connectTimeoutSeconds: 9 });
    expect(way.configuredIdentityFiles).toBeUndefined();
  });

  test('a ProxyJump list is gone through in its order, each host by its own block', async () => {
    const text = [
      'Host web\n  HostName 10.1.0.9\n  ProxyJump ops@b1:2201,b2',
      'Host b1\n  HostName 192.0.2.1\n  User not-this-one',
      'Host b2\n  HostName 10.0.0.2\n  User two\n  IdentityFile /k2\n  ProxyJump never',
    ].join('\n');
    const { via, ...web } = await route(text, 'web');
    expect(web).toMatchObject({ name: 'web', host: '10.1.0.9' });
    expect(via.map(({ user, host, port }) => `${user}@${host}:${port}`)).toEqual([
      'ops@192.0.2.1:2201',
      'two@10.0.0.2:22',
    ]);
    expect(via[1]?.configuredIdentityFiles).toEqual(['/k2']);
  });

  test('a jump host may have a jump host', async () => {
    const text = 'Host web\n  ProxyJump b2\nHost b2\n  ProxyJump b1\n';
    expect((await route(text, 'web')).via.map(({ name }) => name)).toEqual(['b1', 'b2']);
  });

  test('jump hosts with IPv6 addresses and as URLs', async () => {
    const { via } = await route('Host web\n  ProxyJump ssh://u@b:99,[fd00::1]:22\n', 'web');
    expect(via.map(({ host, port }) => [host, port])).toEqual([
      ['b', 99],
      ['fd00::1', 22],
    ]);
  });

  test('the old spelling, ssh -W, is a jump', async () => {
    const { via } = await route('Host web\n  ProxyCommand ssh -q -W %h:%p ops@bastion\n', 'web');
    expect(via.map(({ user, host }) => `${user}@${host}`)).toEqual(['ops@bastion']);
    expect(warnings).toEqual([]);
  });

  test('another ProxyCommand is told, and not run', async () => {
    expect((await route(`Host web\n  ProxyCommand touch ${trap}\n`, 'web')).via).toEqual([]);
    expect(warnings.join()).toMatch(/web: kbinit runs no ProxyCommand/);
  });

  test('a circle of jump hosts is refused', async () => {
    expect(await codeOf(route('Host *\n  ProxyJump b\n', 'web'))).toMatch(/KB_SSH_CONFIG.*circle/);
  });

  test('a jump host that is none is refused', async () => {
    expect(await codeOf(route('Host *\n  ProxyJump -oProxyCommand=x\n', 'web'))).toMatch(/KB_SSH_CONFIG.*no host/);
  });
});

describe('a configuration that leaves too little', () => {
  test.each([
    ['HostKeyAlgorithms', 'ssh-ed25519-cert-v01@openssh.com'],
    ['KexAlgorithms', 'sntrup761x25519-sha512@openssh.com'],
    ['Ciphers', 'aes128-cbc'],
    ['MACs', 'umac-64@openssh.com'],
  ])('by %s is refused with its line', async (keyword, value) => {
    const ciphers = keyword === 'MACs' ? 'Ciphers aes128-ctr\n' : '\n';
    const told = await codeOf(read(`${ciphers}${keyword} ${value}\n`, { alias: 'web' }));
    expect(told).toContain(`KB_SSH_CONFIG`);
    expect(told).toContain(`${file}:2: ${keyword} ${value} leaves nothing`);
  });

  test('what decides about hosts and has no effect is told with its line', async () => {
    await route('Host *\n  VerifyHostKeyDNS yes\n  KnownHostsCommand /bin/false\n', 'web');
    expect(warnings).toEqual([
      expect.stringContaining(`${file}:3: KnownHostsCommand has no effect`),
      expect.stringContaining(`${file}:2: VerifyHostKeyDNS has no effect`),
    ]);
  });
});
