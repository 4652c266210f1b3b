import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, createServer as createPlainServer, type AddressInfo } from 'node:net';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { KbError } from '../../../../src/errors.ts';
import { readDiscoveryUrl, shownUrl } from '../../../../src/phases/join/discovery-url.ts';
import { joinFrom, pki, serve, type Answers, type Pki } from './fixture.ts';

const place = 'files.example:443';
const url = 'https://files.example/cluster.conf';

let ours: Pki;
let theirs: Pki;

beforeAll(async () => {
  ours = await pki('ECDSA-P256', ['files.example', '10.9.8.7']);
  theirs = await pki('ECDSA-P384', ['files.example']);
});

interface Case {
  readonly url?: string;
  readonly certificate?: Pki;
  /** What the host trusts. */
  readonly bundle?: string;
  readonly answers?: Answers;
  readonly ports?: Readonly<Record<string, number>>;
  readonly proxies?: Readonly<Record<string, string>>;
}

async function read(given: Case = {}): Promise<string> {
  const port = await serve(given.certificate ?? ours, given.answers ?? { '/cluster.conf': () => 'clusters: []' });
  const { ctx } = joinFrom(
    { discoveryFile: url, tlsBootstrapToken: 'abcdef.0123456789abcdef' },
    given.ports ?? { [place]: port, '10.9.8.7:8443': port, 'other.example:443': port },
    {
      replies: [['/etc/pki/tls/certs/ca-bundle.crt', given.bundle ?? `# a comment\n${theirs.ca}\n${ours.ca}`]],
      facts: { proxyEnvironment: given.proxies ?? {} },
    },
  );
  return readDiscoveryUrl(ctx, given.url ?? url);
}

async function problem(given: Case): Promise<{ code: string; summary: string; detail: string; exit: number }> {
  const error: unknown = await read(given).catch((cause: unknown) => cause);
  if (!(error instanceof KbError) || error.problems[0] === undefined) throw new Error(`no problem: ${String(error)}`);
  const { code, summary, detail } = error.problems[0];
  return { code, summary, detail, exit: error.exitCode };
}

describe('the text behind a URL is had', () => {
  test('from a server that the host trusts', async () => {
    await expect(read()).resolves.toBe('clusters: []');
  });

  test('by address and port', async () => {
    await expect(read({ url: 'https://10.9.8.7:8443/cluster.conf' })).resolves.toBe('clusters: []');
  });

  test('with the login and the query of the URL', async () => {
    const answers = { '/cluster.conf': (authorization: string) => authorization };
    const basic = `Basic ${Buffer.from('joe:p@ss').toString('base64')}`;
    await expect(read({ url: 'https://joe:p%40ss@files.example/cluster.conf?sig=1', answers })).resolves.toBe(basic);
  });

  test('behind redirects to https', async () => {
    const answers = {
      '/cluster.conf': () => ({ status: 302, location: '/b' }),
      '/b': () => ({ status: 307, location: 'https://files.example/c' }),
      '/c': () => 'found',
    };
    await expect(read({ answers })).resolves.toBe('found');
  });

  test('without the login on another server', async () => {
    const certificate = await pki('ECDSA-P256', ['files.example', 'other.example']);
    const answers = {
      '/cluster.conf': () => ({ status: 302, location: 'https://other.example/b' }),
      '/b': (authorization: string) => `authorization: ${authorization}`,
    };
    const given = {
      url: 'https://joe:secret@files.example/cluster.conf',
      certificate,
      answers,
      bundle: certificate.ca,
    };
    await expect(read(given)).resolves.toBe('authorization: ');
  });
});

describe('a URL is refused', () => {
  test.each<[string, () => Case, string]>([
    ['no CA that the host trusts has signed', () => ({ bundle: theirs.ca }), 'signature'],
    ['the host trusts nobody', () => ({ bundle: '' }), 'unable to'],
    ['the certificate is of another name', () => ({ url: 'https://other.example/cluster.conf' }), 'other.example'],
  ])('with exit code 4 when %s', async (_, given, found) => {
    const told = await problem(given());
    expect(told).toMatchObject({ code: 'KB_DISCOVERY_TLS', exit: 4 });
    expect(told.detail).toContain('node1');
    expect(told.detail).toMatch(found === 'signature' ? /signature|unable to|self.signed/ : new RegExp(found));
  });

  test('when it leads to http', async () => {
    const answers = { '/cluster.conf': () => ({ status: 301, location: 'http://files.example/cluster.conf' }) };
    const told = await problem({ answers });
    expect(told).toMatchObject({ code: 'KB_DISCOVERY_FILE', exit: 1 });
    expect(told.summary).toContain('not https');
  });

  test('when it leads in a circle', async () => {
    const answers = { '/cluster.conf': () => ({ status: 301, location: '/cluster.conf' }) };
    expect((await problem({ answers })).detail).toContain('more than 10 redirects');
  });

  test.each<[string, Case, string]>([
    ['there is no such file', { url: 'https://files.example/nothing' }, 'HTTP 404'],
    ['a redirect leads nowhere', { answers: { '/cluster.conf': () => ({ status: 302 }) } }, 'HTTP 302'],
    ['nobody listens', { ports: {} }, 'ECONNREFUSED'],
    [
      'its text does not end',
      { answers: { '/cluster.conf': () => 'x'.repeat((1 << 20) + 1) } },
      'longer than 1048576 bytes',
    ],
  ])('when %s', async (_, given, found) => {
    const told = await problem(given);
    expect(told).toMatchObject({ code: 'KB_DISCOVERY_FILE', exit: 1 });
    expect(told.detail).toContain(found);
  });

  test('without telling its login and its query', async () => {
    const told = await problem({ url: 'https://joe:secret@files.example/nothing?sig=secret' });
    expect(JSON.stringify(told)).not.toContain('secret');
    expect(told.detail).toContain('https://files.example/nothing');
  });
});

test('a URL is shown without what may be secret', () => {
  expect(shownUrl('https://joe:pw@files.example:8443/a?sig=1#x')).toBe('https://files.example:8443/a');
});

describe("the host's proxy", () => {
  /** A proxy that leads every CONNECT to one port, or answers with a status. */
  async function proxy(answer: number | 'connect', to: number, seen: string[]): Promise<number> {
    const server: Server = createServer();
    server.on('connect', (request, socket) => {
      seen.push(request.url ?? '');
      if (answer !== 'connect') {
        socket.end(`HTTP/1.1 ${answer} no\r\n\r\n`);
        return;
      }
      const onward = connect(to, '127.0.0.1');
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
      onward.on('error', () => socket.destroy());
      socket.on('error', () => onward.destroy());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return portOf(server.address());
  }

  const portOf = (address: string | AddressInfo | null): number =>
    address === null || typeof address === 'string' ? 0 : address.port;
  const proxies = { https_proxy: 'http://proxy.example:3128', no_proxy: '10.0.0.0/8' };

  test('is asked for the server, whose certificate is still checked', async () => {
    const seen: string[] = [];
    const port = await serve(ours, { '/cluster.conf': () => 'through' });
    const ports = { 'proxy.example:3128': await proxy('connect', port, seen) };
    await expect(read({ proxies, ports })).resolves.toBe('through');
    expect(seen).toEqual(['files.example:443']);
    expect(await problem({ proxies, ports, bundle: theirs.ca })).toMatchObject({ code: 'KB_DISCOVERY_TLS' });
  });

  test('is passed by where it is told not to be used', async () => {
    await expect(read({ proxies, url: 'https://10.9.8.7:8443/cluster.conf' })).resolves.toBe('clusters: []');
  });

  test('may refuse, which is told', async () => {
    const ports = { 'proxy.example:3128': await proxy(407, 0, []) };
    expect((await problem({ proxies, ports })).detail).toContain('answered 407 to CONNECT files.example:443');
  });

  test('of a kind that is not supported is told', async () => {
    const told = await problem({ proxies: { https_proxy: 'socks5://proxy.example:1080' } });
    expect(told.detail).toContain('a proxy like socks5://proxy.example:1080 is not supported');
  });

  test('that hangs up is told', async () => {
    const server = createPlainServer((socket) => socket.destroy());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const ports = { 'proxy.example:3128': portOf(server.address()) };
    expect(await problem({ proxies, ports })).toMatchObject({ code: 'KB_DISCOVERY_FILE' });
  });
});
