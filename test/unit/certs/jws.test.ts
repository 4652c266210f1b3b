import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { detachedJws, verifyDetachedJws } from '../../../src/certs/jws.ts';

const signing = { tokenId: '07401b', tokenSecret: 'f395accd246ae52d', payload: 'my config\n' };

test('the signature is HMAC-SHA256 over header and payload, with the payload left out', () => {
  const header = Buffer.from('{"alg":"HS256","kid":"07401b"}').toString('base64url');
  const body = `${header}.${Buffer.from('my config\n').toString('base64url')}`;
  const mac = createHmac('sha256', 'f395accd246ae52d').update(body).digest('base64url');
  expect(detachedJws(signing)).toBe(`${header}..${mac}`);
});

// cluster-bootstrap's own test vector (token/jws/jws_test.go)
test('the signature is the one of Kubernetes for the same input', () => {
  const theirs = 'eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9..VShe2taLd-YTrmWuRkcL_8QTNDHYxQIEBsAYYiIj1_8';
  const payload = 'Hello from the other side. I must have called a thousand times.';
  expect(detachedJws({ tokenId: 'joshua', tokenSecret: 'my voice is my passcode', payload })).toBe(theirs);
});

test('another payload, secret, id or a cut signature does not verify', () => {
  const good = detachedJws(signing);
  expect(verifyDetachedJws(good, signing)).toBe(true);
  expect(verifyDetachedJws(good, { ...signing, payload: 'my config' })).toBe(false);
  expect(verifyDetachedJws(good, { ...signing, tokenSecret: 'f395accd246ae52e' })).toBe(false);
  expect(verifyDetachedJws(good, { ...signing, tokenId: '07401c' })).toBe(false);
  expect(verifyDetachedJws(good.slice(0, -1), signing)).toBe(false);
  expect(verifyDetachedJws('', signing)).toBe(false);
});
