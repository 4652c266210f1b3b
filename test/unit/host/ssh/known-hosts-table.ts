// known_hosts files and what they say of one key: shared by the unit test and the comparison with OpenSSH.
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { keyTypeOf } from '../../../../src/host/ssh/known-hosts.ts';

function string(bytes: string | Uint8Array): Buffer {
  const body = Buffer.from(bytes);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

export function ed25519(): Buffer {
  const { publicKey } = generateKeyPairSync('ed25519');
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  return Buffer.concat([string('ssh-ed25519'), string(raw)]);
}

export function ecdsa(): Buffer {
  const { x = '', y = '' } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  return Buffer.concat([string('ecdsa-sha2-nistp256'), string('nistp256'), string(point)]);
}

export function rsa(): Buffer {
  const { n = '', e = '' } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
  const modulus = Buffer.concat([Buffer.from([0]), Buffer.from(n, 'base64url')]);
  return Buffer.concat([string('ssh-rsa'), string(Buffer.from(e, 'base64url')), string(modulus)]);
}

export function text(blob: Buffer): string {
  return `${keyTypeOf(blob)} ${blob.toString('base64')}`;
}

function hashed(name: string): string {
  const salt = Buffer.from('0123456789abcdefghij');
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}

/** [what, known_hosts, host, port, verdict about the key] */
export type Row = readonly [string, string, string, number, string];

/** Every case for a key given as `type base64`. */
export function knownHostsTable(k: string): readonly Row[] {
  const o = text(ed25519());
  const [ecKey, rsaKey, caKey] = [ecdsa(), rsa(), ed25519()];
  return [
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
    ['a key under the wrong type', `h ecdsa-sha2-nistp256 ${k.split(' ')[1]}\n`, 'h', 22, 'unknown'],
    ['a key that is no base64', 'h ssh-ed25519 !!!!\n', 'h', 22, 'unknown'],
    ['a malformed line before a good one', `nonsense\nh ${k}\n`, 'h', 22, 'known'],
  ];
}
