import { execFileSync } from 'node:child_process';
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  fingerprint,
  hostKeyAlgorithmOrder,
  hostKeyVerdict,
  keyTypeOf,
  knownHostsLine,
  knownHostsName,
  parseKnownHosts,
} from '../../../src/host/known-hosts.ts';

function string(bytes: string | Uint8Array): Buffer {
  const body = Buffer.from(bytes);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

function ed25519(): Buffer {
  const { publicKey } = generateKeyPairSync('ed25519');
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  return Buffer.concat([string('ssh-ed25519'), string(raw)]);
}

function ecdsa(): Buffer {
  const { x = '', y = '' } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  return Buffer.concat([string('ecdsa-sha2-nistp256'), string('nistp256'), string(point)]);
}

function rsa(): Buffer {
  const { n = '', e = '' } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
  const modulus = Buffer.concat([Buffer.from([0]), Buffer.from(n, 'base64url')]);
  return Buffer.concat([string('ssh-rsa'), string(Buffer.from(e, 'base64url')), string(modulus)]);
}

const [key, otherKey, ecKey, rsaKey, caKey] = [ed25519(), ed25519(), ecdsa(), rsa(), ed25519()];

function text(blob: Buffer): string {
  return `${keyTypeOf(blob)} ${blob.toString('base64')}`;
}

function hashed(name: string): string {
  const salt = Buffer.from('0123456789abcdefghij');
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}

const k = text(key);
const o = text(otherKey);

/** [what, known_hosts, host, port, verdict about `key`] */
const table: readonly (readonly [string, string, string, number, string])[] = [
  ['an empty file', '', 'h', 22, 'unknown'],
  ['a plain line', `h ${k}\n`, 'h', 22, 'known'],
  ['no newline at the end', `h ${k}`, 'h', 22, 'known'],
  ['CRLF line ends', `h ${k}\r\n`, 'h', 22, 'known'],
  ['a comment behind the key', `h ${k} root@h\n`, 'h', 22, 'known'],
  ['leading blanks and tabs', ` \t h\t${k.replace(' ', '\t')}\n`, 'h', 22, 'known'],
  ['a commented line', `# h ${k}\n`, 'h', 22, 'unknown'],
  ['another host', `g ${k}\n`, 'h', 22, 'unknown'],
  ['a name that only begins alike', `host1 ${k}\n`, 'host', 22, 'unknown'],
  ['a comma list', `a,h,b ${k}\n`, 'h', 22, 'known'],
  ['an address in a comma list', `h,192.0.2.7 ${k}\n`, '192.0.2.7', 22, 'known'],
  ['an IPv6 address', `fd00::7 ${k}\n`, 'fd00::7', 22, 'known'],
  ['upper case on the command line', `h.example ${k}\n`, 'H.Example', 22, 'known'],
  ['upper case in the file', `H.Example ${k}\n`, 'h.example', 22, 'known'],
  ['a star', `*.example ${k}\n`, 'h.example', 22, 'known'],
  ['a star that needs a dot', `*.example ${k}\n`, 'example', 22, 'unknown'],
  ['a star in the middle', `n*.example ${k}\n`, 'node7.example', 22, 'known'],
  ['two stars', `*o*.example ${k}\n`, 'node7.example', 22, 'known'],
  ['a question mark', `node? ${k}\n`, 'node7', 22, 'known'],
  ['a question mark is one character', `node? ${k}\n`, 'node77', 22, 'unknown'],
  ['a lone star', `* ${k}\n`, 'anything', 22, 'known'],
  ['a negation after the match', `*.example,!bad.example ${k}\n`, 'bad.example', 22, 'unknown'],
  ['a negation before the match', `!bad.example,*.example ${k}\n`, 'bad.example', 22, 'unknown'],
  ['a negation of somebody else', `*.example,!bad.example ${k}\n`, 'good.example', 22, 'known'],
  ['only a negation', `!bad ${k}\n`, 'good', 22, 'unknown'],
  ['a dot is no wildcard', `h.example ${k}\n`, 'hxexample', 22, 'unknown'],
  ['a hashed name', `${hashed('h')} ${k}\n`, 'h', 22, 'known'],
  ['a hashed name of another host', `${hashed('g')} ${k}\n`, 'h', 22, 'unknown'],
  ['a hashed name with a port', `${hashed('[h]:2222')} ${k}\n`, 'h', 2222, 'known'],
  ['a hashed name with another key', `${hashed('h')} ${o}\n`, 'h', 22, 'changed'],
  ['a broken hash', `|1|AAAA|BBBB ${k}\n`, 'h', 22, 'unknown'],
  ['a port', `[h]:2222 ${k}\n`, 'h', 2222, 'known'],
  ['another port', `[h]:2222 ${k}\n`, 'h', 2223, 'unknown'],
  ['a port line does not speak for port 22', `[h]:2222 ${k}\n`, 'h', 22, 'unknown'],
  ['[h]:22 is never looked up', `[h]:22 ${k}\n`, 'h', 22, 'unknown'],
  ['the bare name vouches for another port', `h ${k}\n`, 'h', 2222, 'known'],
  ['the bare name with another key says nothing about a port', `h ${o}\n`, 'h', 2222, 'unknown'],
  ['a port line beats the bare name', `h ${k}\n[h]:2222 ${o}\n`, 'h', 2222, 'changed'],
  ['another key of the type', `h ${o}\n`, 'h', 22, 'changed'],
  ['the right key after a wrong one', `h ${o}\nh ${k}\n`, 'h', 22, 'known'],
  ['the right key before a wrong one', `h ${k}\nh ${o}\n`, 'h', 22, 'known'],
  ['only a key of another type', `h ${text(ecKey)}\n`, 'h', 22, 'changed'],
  ['several types, one is right', `h ${text(rsaKey)}\nh ${text(ecKey)}\nh ${k}\n`, 'h', 22, 'known'],
  ['a revoked key', `@revoked h ${k}\n`, 'h', 22, 'revoked'],
  ['a revoked key that is also listed', `h ${k}\n@revoked h ${k}\n`, 'h', 22, 'revoked'],
  ['a revoked key for all hosts', `h ${k}\n@revoked * ${k}\n`, 'h', 22, 'revoked'],
  ['another key is revoked', `h ${k}\n@revoked h ${o}\n`, 'h', 22, 'known'],
  ['a key revoked elsewhere', `h ${k}\n@revoked g ${k}\n`, 'h', 22, 'known'],
  ['only a certificate authority', `@cert-authority * ${text(caKey)}\n`, 'h', 22, 'certificate-authority-only'],
  ['the key as a certificate authority', `@cert-authority h ${k}\n`, 'h', 22, 'certificate-authority-only'],
  ['an authority beside the key', `@cert-authority * ${text(caKey)}\nh ${k}\n`, 'h', 22, 'known'],
  ['an unknown marker', `@other h ${k}\n`, 'h', 22, 'unknown'],
  ['two markers', `@revoked @cert-authority h ${k}\n`, 'h', 22, 'unknown'],
  ['a line without a key', 'h ssh-ed25519\n', 'h', 22, 'unknown'],
  ['a key cut short', `h ${k.slice(0, -8)}\n`, 'h', 22, 'unknown'],
  ['a key under the wrong type', `h ecdsa-sha2-nistp256 ${key.toString('base64')}\n`, 'h', 22, 'unknown'],
  ['a key that is no base64', 'h ssh-ed25519 !!!!\n', 'h', 22, 'unknown'],
  ['a malformed line before a good one', `nonsense\nh ${k}\n`, 'h', 22, 'known'],
];

describe('the verdict on a host key', () => {
  test.each(table)('%s', (_what, file, host, port, expected) => {
    expect(hostKeyVerdict(parseKnownHosts(file, 'f'), host, port, key).kind).toBe(expected);
  });

  test('names the file and line that decided', () => {
    const verdict = hostKeyVerdict(parseKnownHosts(`# mine\n\nh ${o}\n`, '/x/known_hosts'), 'h', 22, key);
    expect(verdict).toMatchObject({ kind: 'changed', by: { file: '/x/known_hosts', line: 3 } });
  });

  test('names the key of the same type when several differ', () => {
    const verdict = hostKeyVerdict(parseKnownHosts(`h ${text(rsaKey)}\nh ${o}\n`, 'f'), 'h', 22, key);
    expect(verdict).toMatchObject({ kind: 'changed', by: { type: 'ssh-ed25519', line: 2 } });
  });
});

describe('the algorithms offered', () => {
  const order = (file: string, host = 'h', port = 22): readonly string[] =>
    hostKeyAlgorithmOrder(parseKnownHosts(file, 'f'), host, port);

  test('begin with the types that are known for the host', () => {
    expect(order(`h ${text(ecKey)}\n`)[0]).toBe('ecdsa-sha2-nistp256');
  });
  test('an RSA key means the SHA-2 signatures, never SHA-1', () => {
    expect(order(`h ${text(rsaKey)}\n`).slice(0, 2)).toEqual(['rsa-sha2-512', 'rsa-sha2-256']);
    expect(order(`h ${text(rsaKey)}\n`)).not.toContain('ssh-rsa');
  });
  test('still have every type behind them', () => {
    expect(order(`h ${text(rsaKey)}\n`).toSorted()).toEqual(order('').toSorted());
  });
  test('are not moved by lines of other hosts, authorities and revocations', () => {
    const file = `g ${text(ecKey)}\n@revoked h ${text(rsaKey)}\n@cert-authority h ${text(ecKey)}\n`;
    expect(order(file)).toEqual(order(''));
  });
});

test('the name of a host carries the port unless it is 22', () => {
  expect([knownHostsName('H', 22), knownHostsName('fd00::1', 2222)]).toEqual(['h', '[fd00::1]:2222']);
});

test('a written line is read back as known', () => {
  const entries = parseKnownHosts(knownHostsLine('h', 2222, key), 'f');
  expect(hostKeyVerdict(entries, 'h', 2222, key).kind).toBe('known');
});

describe.skipIf(!existsSync('/usr/bin/ssh-keygen'))('as ssh-keygen sees it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kbinit-known-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('the fingerprint is the same', () => {
    for (const blob of [key, ecKey, rsaKey]) {
      const file = join(folder, 'key.pub');
      writeFileSync(file, `${text(blob)}\n`);
      const printed = execFileSync('ssh-keygen', ['-lf', file], { encoding: 'utf8' });
      expect(printed.split(' ')[1]).toBe(fingerprint(blob));
    }
  });
});
