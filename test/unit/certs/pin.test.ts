import { execFileSync, execSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { caPins, judgeBundle } from '../../../src/certs/pin.ts';
import { fileOf, freshPki, spec } from './fixture.ts';

let [rsa, ec] = ['', ''];
beforeAll(async () => {
  rsa = fileOf(await freshPki(), 'ca.crt');
  ec = fileOf(await freshPki(spec({ encryptionAlgorithm: 'ECDSA-P256' })), 'ca.crt');
});

test('a pin is what kubeadm’s documentation computes with openssl', () => {
  const command = 'openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -hex';
  for (const pem of [rsa, ec]) {
    const theirs = execSync(command, { input: pem, encoding: 'utf8' }).replace(/^.*= /, '').trim();
    expect(caPins(pem)).toEqual([`sha256:${theirs}`]);
  }
});

test('a bundle has a pin for each certificate', () => {
  expect(caPins(rsa + ec)).toEqual([...caPins(rsa), ...caPins(ec)]);
  expect(new Set(caPins(rsa + ec)).size).toBe(2);
});

test('what is no certificate has no pin', () => {
  expect(caPins('garbage')).toEqual([]);
});

describe('a bundle of several CAs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kbinit-pin-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Made by openssl: self-signed without an issuer. */
  function certificate(name: string, subject: string, issuer: string | undefined, isCa = true): string {
    const at = (base: string): string => join(folder, base);
    writeFileSync(at('ext'), `basicConstraints=critical,CA:${isCa ? 'TRUE' : 'FALSE'}\nkeyUsage=keyCertSign\n`);
    const openssl = (...words: readonly string[]): unknown => execFileSync('openssl', words, { stdio: 'pipe' });
    openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', at(`${name}.key`));
    openssl('req', '-new', '-key', at(`${name}.key`), '-subj', `/CN=${subject}`, '-out', at('csr'));
    const signer =
      issuer === undefined
        ? ['-signkey', at(`${name}.key`)]
        : ['-CA', at(`${issuer}.crt`), '-CAkey', at(`${issuer}.key`), '-CAcreateserial'];
    openssl('x509', '-req', '-in', at('csr'), '-extfile', at('ext'), ...signer, '-out', at(`${name}.crt`));
    return readFileSync(at(`${name}.crt`), 'utf8');
  }

  const root = certificate('root', 'kubernetes', undefined);
  const below = certificate('below', 'below', 'root');
  const deep = certificate('deep', 'deep', 'below');
  const leaf = certificate('leaf', 'system:node:evil', 'root', false);
  const behindLeaf = certificate('behind', 'behind', 'leaf');
  const namesake = certificate('namesake', 'kubernetes', undefined);
  const forged = certificate('forged', 'below', 'namesake');

  test.each([
    ['the pinned one', root, 1, 0],
    ['CAs that it issued, in any order', deep + below + root, 3, 0],
    ['one that it issued, whose issuer is left out', deep + root, 1, 1],
    ['a leaf that it issued, which is no CA', leaf + root, 1, 1],
    ['a CA that such a leaf has issued', root + leaf + behindLeaf, 1, 2],
    ['another CA of the same name', namesake + root, 1, 1],
    ['a CA that another one issued in its name', root + forged, 1, 1],
    ['only strangers', namesake + forged, 0, 2],
  ])('%s', (_what, bundle, trusted, strangers) => {
    const judged = judgeBundle(bundle, new Set(caPins(root)));
    expect([caPins(judged.trusted).length, judged.strangers.length]).toEqual([trusted, strangers]);
  });

  test('in which an issuer of the pinned one stands beside it', () => {
    expect(judgeBundle(below + root, new Set(caPins(below))).strangers).toHaveLength(1);
  });
});
