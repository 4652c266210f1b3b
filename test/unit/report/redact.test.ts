// Masking: no secret comes through, in whatever text it stands, and what is public does.
import { generateKeyPairSync } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../src/report/events.ts';
import { createRedactor, mask, redacting } from '../../../src/report/redact.ts';
import { recordingReporter } from '../../fakes/host.ts';

const text = (value: string): string => createRedactor().text(value);
const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'.split('')), minLength: length, maxLength: length });
const tokenPart = (length: number): fc.Arbitrary<string> =>
  fc.string({
    unit: fc.constantFrom(...'0123456789abcdefghijklmnopqrstuvwxyz'.split('')),
    minLength: length,
    maxLength: length,
  });
/** Text that ends before, or begins after, a secret: as in arguments, JSON, YAML, sentences. */
const around = fc.oneof(
  fc.string().map((s) => s.replaceAll(/[0-9A-Za-z]$/g, '')),
  fc.constantFrom('--token=', '--token ', '"token":"', "'", '\n', ' (', 'token: ', '/', '\t', '"}\n', '; '),
);
const edge = (s: string): string => s.replaceAll(/^[0-9A-Za-z]+|[0-9A-Za-z]+$/g, '');

describe('never comes through', () => {
  test.each([
    'HTTPS://joe:S3cret@h/x',
    'http://S3cret@h/x',
    'got 401 of https://joe:p@S3cret@h:8443/x?y=1',
    'socks5://joe:S3cret@h:1080',
    'https_proxy=joe:S3cret@proxy:3128',
    '"HTTPS_PROXY": "joe:S3cret@proxy:3128"',
    'https://h/x?a=1&token=S3cret&b=2',
    'https://h/x?X-Amz-Signature=S3cret',
    'https://h/x?access_key=S3cret#y',
  ])('what logs in by a URL: %s', (said) => {
    expect(text(said)).not.toContain('S3cret');
    expect(text(said)).toContain(mask);
  });

  test('but what only looks like a login stays', () => {
    for (const said of [
      'ssh://root@h:22',
      'https://h/a@b',
      'registry.k8s.io/pause:3.10@sha256:abc',
      'root@10.0.0.1:22',
      'https://h/x?limit=500&continue=abc',
    ]) {
      expect(text(said)).toBe(said);
    }
  });

  test('the secret half of a bootstrap token', () => {
    fc.assert(
      fc.property(around, tokenPart(6), tokenPart(16), around, (before, id, secret, after) => {
        const masked = text(`${edge(before)}${id}.${secret}${edge(after)}`);
        expect(masked).not.toContain(secret);
        expect(masked).toContain(`${id}.${mask}`);
      }),
    );
  });

  test('a certificate key', () => {
    fc.assert(
      fc.property(around, hex(64), around, (before, key, after) => {
        expect(text(`${edge(before).replace(/sha256:$/, '')}${key}${edge(after)}`)).not.toContain(key);
      }),
    );
  });

  test.each(['rsa', 'ec'] as const)('a private key of kind %s: PEM, in JSON, cut off, in base64', (kind) => {
    const pem =
      kind === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs1', format: 'pem' })
        : generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'pem' });
    const key = pem.toString();
    const lines = key.trim().split('\n').slice(1, -1);
    const base64 = Buffer.from(key).toString('base64');
    for (const shown of [
      key,
      JSON.stringify({ stdout: `x\n${key}y` }),
      key.slice(0, key.length / 2),
      key.slice(40),
      `tls.key: ${base64}`,
      `client-key-data: ${base64}`,
    ]) {
      const masked = text(shown);
      for (const line of lines) expect(masked).not.toContain(line.slice(0, 40));
      expect(masked).not.toContain(base64.slice(20, 60));
    }
  });

  test.each(['pkcs8', 'encrypted'])('a %s key in base64', (kind) => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const cipher = kind === 'encrypted' ? { cipher: 'aes-256-cbc', passphrase: 'long enough' } : {};
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher }).toString();
    const base64 = Buffer.from(pem).toString('base64');
    expect(text(`data: ${base64}`)).not.toContain(base64.slice(-40));
  });

  test.each([
    ['Authorization: Bearer abc.def-ghi'],
    ['authorization: bearer abc.def-ghi'],
    ['{"Authorization":"Bearer abc.def-ghi"}'],
    ['{\\"Authorization\\":\\"Basic abc.def-ghi\\"}'],
  ])('the credentials of %s', (header) => {
    expect(text(header)).not.toContain('abc.def-ghi');
  });

  test('a service account token', () => {
    const token = 'eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl';
    expect(text(`token: ${token}`)).not.toContain('c2lnbmF0dXJl');
  });

  test('a value that was named, in any of its forms', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4 }), fc.string(), (value, beside) => {
        const secret = value.trim();
        fc.pre(secret.length >= 4 && !mask.includes(secret) && !beside.includes(secret));
        const own = createRedactor();
        own.addSecret(value);
        for (const shown of [
          secret,
          Buffer.from(secret).toString('base64'),
          JSON.stringify(secret).slice(1, -1),
          encodeURIComponent(secret),
        ]) {
          fc.pre(!mask.includes(shown));
          expect(own.text(`${beside} ${shown}`)).not.toContain(shown);
        }
      }),
    );
  });

  test('of two named values where one begins with the other, neither leaves a rest', () => {
    const own = createRedactor();
    own.addSecret('hunter2');
    own.addSecret('hunter2-and-more');
    expect(own.text('a hunter2-and-more b hunter2 c')).toBe(`a ${mask} b ${mask} c`);
  });
});

describe('comes through', () => {
  test.each([
    ['sha256:7c2e69131a36ae2a042a339b33381c6d0d43887e2de83720eff5359e26aec866'],
    ['registry.k8s.io/etcd@sha256:7c2e69131a36ae2a042a339b33381c6d0d43887e2de83720eff5359e26aec866'],
    ['0123456789abcdef0123456789abcdef'],
    ['vip.k8test.com:6443'],
    ['bootstrap-token-abcdef'],
    ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'],
    ['/etc/kubernetes/manifests/kube-apiserver.yaml'],
    ['the bearer of this letter'],
  ])('%s', (shown) => {
    expect(text(shown)).toBe(shown);
  });

  test('a value too short to be a secret is not masked everywhere', () => {
    const own = createRedactor();
    own.addSecret('a');
    own.addSecret('');
    expect(own.text('a cat')).toBe('a cat');
  });
});

test.each([
  ['base64 lines', `${'A'.repeat(64)}\n`],
  ['one line', 'A'],
  ['beginnings', '-----BEGIN '],
  ['hexadecimal', '0f'],
  ['words', 'eyJ bearer authorization: client-key-data '],
])('two megabytes of %s are masked within seconds', (_, unit) => {
  const long = unit.repeat(Math.ceil(2_000_000 / unit.length));
  const start = performance.now();
  text(long);
  expect(performance.now() - start).toBeLessThan(10_000);
});

test('masking twice is masking once', () => {
  fc.assert(
    fc.property(fc.string(), tokenPart(6), tokenPart(16), (s, id, secret) => {
      const once = text(`${s} ${id}.${secret}`);
      expect(text(once)).toBe(once);
    }),
  );
});

test('every string of an event is masked, at any depth, and nothing else changes', () => {
  const token = 'abcdef.0123456789abcdef';
  const event: RunEvent = {
    kind: 'problem',
    problem: {
      code: 'KB_X',
      summary: `s ${token}`,
      detail: `d ${token}`,
      fix: `f ${token}`,
      evidence: ['plain', `e ${token}`],
    },
  };
  const reporter = recordingReporter();
  redacting(reporter, createRedactor()).emit(event);
  redacting(reporter, createRedactor()).emit({ kind: 'run-end', exitCode: 1, seconds: 2.5 });
  expect(JSON.stringify(reporter.events)).not.toContain('0123456789abcdef');
  expect(reporter.events[0]).toMatchObject({ problem: { code: 'KB_X', evidence: ['plain', `e abcdef.${mask}`] } });
  expect(reporter.events[1]).toEqual({ kind: 'run-end', exitCode: 1, seconds: 2.5 });
});
