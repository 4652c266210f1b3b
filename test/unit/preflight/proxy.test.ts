// Go's proxy rules for https URLs.
import { describe, expect, test } from 'vitest';
import { proxyFor } from '../../../src/preflight/proxy.ts';

const through = (host: string, noProxy: string, port = 443): boolean =>
  proxyFor(host, port, { HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: noProxy }) !== undefined;

test('no proxy variable, no proxy', () => {
  expect(proxyFor('10.0.0.1', 443, { HTTP_PROXY: 'http://proxy:3128' })).toBeUndefined();
});

test('the upper-case variable goes first; user and password are not told', () => {
  const environment = { HTTPS_PROXY: 'http://u:p@upper:1', https_proxy: 'http://lower:2' };
  expect(proxyFor('10.0.0.1', 443, environment)).toBe('http://upper:1');
  expect(proxyFor('10.0.0.1', 443, { https_proxy: 'lower:2' })).toBe('http://lower:2');
});

test('what is no URL is an error', () => {
  expect(() => proxyFor('10.0.0.1', 443, { https_proxy: 'http://[' })).toThrow(TypeError);
});

describe('NO_PROXY', () => {
  test.each([
    ['10.0.0.1', '*'],
    ['10.0.0.1', '10.0.0.1'],
    ['10.0.0.1', ' 192.168.0.0/16 , 10.0.0.0/8'],
    ['10.0.0.1', '10.0.0.1:443'],
    ['fd00::1', 'fd00::/8'],
    ['fd00::1', 'fd00:0::1'],
    ['api.example.com', 'example.com'],
    ['api.example.com', '.example.com'],
    ['api.example.com', '*.example.com'],
    ['example.com', 'example.com'],
    ['API.example.com', 'api.EXAMPLE.com'],
    ['127.0.0.1', ''],
    ['::1', ''],
    ['localhost', ''],
  ])('%s is reached directly with %o', (host, noProxy) => {
    expect(through(host, noProxy)).toBe(false);
  });

  test.each([
    ['10.0.0.1', ''],
    ['10.0.0.1', '10.0.0.2,192.168.0.0/16'],
    ['10.0.0.1', '10.0.0.1:80'],
    ['example.com', '.example.com'],
    ['badexample.com', 'example.com'],
    ['fd00::1', '10.0.0.0/8'],
  ])('%s goes through the proxy with %o', (host, noProxy) => {
    expect(through(host, noProxy)).toBe(true);
  });
});
