import { beforeAll, describe, expect, test } from 'vitest';
import { detachedJws } from '../../../../src/certs/jws.ts';
import { caPins } from '../../../../src/certs/pin.ts';
import { KbError } from '../../../../src/errors.ts';
import { clusterInfoKubeconfig } from '../../../../src/kubeconfig/kubeconfig.ts';
import { failureOf } from '../../../fakes/failure.ts';
import { discover } from '../../../../src/phases/join/discovery.ts';
import type { DiscoveredCluster } from '../../../../src/phases/join/context.ts';
import {
  clusterInfo,
  clusterInfoPath,
  configMaps,
  endpoint,
  joinFrom,
  pki,
  serve,
  signedInfo,
  token,
  type Answers,
  type Join,
  type Pki,
} from './fixture.ts';

let ours: Pki;
let theirs: Pki;

beforeAll(async () => {
  ours = await pki('ECDSA-P256');
  theirs = await pki('ECDSA-P384');
});

interface Case {
  /** Whose certificate the server shows. */
  readonly server?: Pki;
  readonly answers: Answers;
  readonly pins?: readonly string[];
  readonly flags?: Parameters<typeof joinFrom>[0];
}

async function join({ server = ours, answers, pins = caPins(ours.ca), flags = {} }: Case): Promise<Join> {
  const port = await serve(server, { ...configMaps(), ...answers });
  const given = { apiServerEndpoint: endpoint, token, discoveryTokenCaCertHash: pins, ...flags };
  return joinFrom(given, { [endpoint]: port }, { timeoutSeconds: 0.3 });
}

/** The failure of a join, and that nothing was written for it. */
async function failure({ ctx, host }: Join): Promise<KbError> {
  const error: unknown = await discover(ctx).then(
    () => 'no failure',
    (cause: unknown) => cause,
  );
  expect(host.files.size).toBe(0);
  if (error instanceof KbError) return error;
  throw new Error(`no KbError: ${String(error)}`);
}

const detail = (error: KbError): string => error.problems.map((problem) => problem.detail).join('\n');

describe('a token and a pin', () => {
  test('find the cluster: its server, its CA, and who the node is there', async () => {
    const { ctx } = await join({ answers: { [clusterInfoPath]: () => signedInfo(ours.ca) } });
    const found: DiscoveredCluster = await discover(ctx);
    expect(found.credentials).toEqual({ server: `https://${endpoint}`, ca: ours.ca, token });
    expect(found).toMatchObject({ clusterName: 'kubernetes', cluster: { version: { minor: 36 } } });
  });

  test('in capitals, and one of several, are taken', async () => {
    const [pin = ''] = caPins(ours.ca);
    const pins = [`sha256:${'ab'.repeat(32)}`, `sha256:${pin.slice('sha256:'.length).toUpperCase()}`];
    const { ctx } = await join({ pins, answers: { [clusterInfoPath]: () => signedInfo(ours.ca) } });
    await expect(discover(ctx)).resolves.toMatchObject({ credentials: { ca: ours.ca } });
  });

  test('take a bundle of which every CA is pinned', async () => {
    const bundle = ours.ca + theirs.ca;
    const { ctx } = await join({ pins: caPins(bundle), answers: { [clusterInfoPath]: () => signedInfo(bundle) } });
    await expect(discover(ctx)).resolves.toMatchObject({ credentials: { ca: bundle } });
  });

  test('wait for the signature of a token that was just made', async () => {
    let looks = 0;
    const unsigned = clusterInfo(clusterInfoKubeconfig({ server: `https://${endpoint}`, ca: ours.ca }), undefined);
    const answers = { [clusterInfoPath]: () => (looks++ < 2 ? unsigned : signedInfo(ours.ca)) };
    const { ctx, events } = await join({ answers });
    await expect(discover(ctx)).resolves.toMatchObject({ credentials: { ca: ours.ca } });
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'waiting', last: 'cluster-info has no signature for token abcdef' }),
    );
  });
});

describe('discovery by token ends with exit code 4 and writes nothing', () => {
  test('when a valid signature is over another CA than the pinned one', async () => {
    const error = await failure(
      await join({ server: theirs, answers: { [clusterInfoPath]: () => signedInfo(theirs.ca) } }),
    );
    expect(error.problems[0]?.code).toBe('KB_DISCOVERY_PIN');
    expect(detail(error)).toContain(caPins(theirs.ca)[0]);
    expect(detail(error)).toContain(caPins(ours.ca)[0]);
    expect(error.exitCode).toBe(4);
  });

  test.each([
    ['before the pinned one', () => theirs.ca + ours.ca],
    ['behind the pinned one', () => ours.ca + theirs.ca],
  ])('when the bundle has a CA %s that nobody pinned, and its server answers', async (_where, bundle) => {
    const asked: string[] = [];
    const answers = {
      [clusterInfoPath]: (authorization: string) => {
        asked.push(authorization);
        return signedInfo(bundle());
      },
    };
    const error = await failure(await join({ server: theirs, answers }));
    expect(error.problems[0]?.code).toBe('KB_DISCOVERY_PIN');
    expect(detail(error)).toContain(`also has "kubernetes" (${caPins(theirs.ca).join()})`);
    expect(error.exitCode).toBe(4);
    expect(asked).toEqual(['']);
  });

  test('when a CA that nobody pinned hides behind a label that only OpenSSL reads', async () => {
    const hidden = theirs.ca.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE');
    const x509 = theirs.ca.replaceAll('CERTIFICATE', 'X509 CERTIFICATE');
    for (const bundle of [hidden + ours.ca, x509 + ours.ca]) {
      const error = await failure(
        await join({ server: theirs, answers: { [clusterInfoPath]: () => signedInfo(bundle) } }),
      );
      expect(error.problems[0]?.code).toBe('KB_DISCOVERY_TLS');
    }
  });

  test('when the signature was made with another secret', async () => {
    const payload = clusterInfoKubeconfig({ server: `https://${endpoint}`, ca: ours.ca });
    const forged = detachedJws({ tokenId: 'abcdef', tokenSecret: 'ffffffffffffffff', payload });
    const error = await failure(await join({ answers: { [clusterInfoPath]: () => clusterInfo(payload, forged) } }));
    expect(error.problems[0]?.code).toBe('KB_DISCOVERY_SIGNATURE');
    expect(error.exitCode).toBe(4);
  });

  test.each([
    ['its text was changed after it was signed', (info: string) => info.replace('6443', '6444')],
    ['the signature is no signature', (info: string) => info.replace(/"(eyJ[^"]*)"/, '"signed"')],
    ['the signature has its payload inside', (info: string) => info.replace('..', '.eyJhIjoxfQ.')],
  ])('when %s', async (_, change) => {
    const error = await failure(await join({ answers: { [clusterInfoPath]: () => change(signedInfo(ours.ca)) } }));
    expect(error.problems[0]?.code).toBe('KB_DISCOVERY_SIGNATURE');
  });

  test('when someone shows the real, signed cluster-info with a certificate of his own', async () => {
    const error = await failure(
      await join({ server: theirs, answers: { [clusterInfoPath]: () => signedInfo(ours.ca) } }),
    );
    expect(error.problems[0]?.code).toBe('KB_DISCOVERY_TLS');
    expect(detail(error)).toContain('the pinned CA did not sign');
    expect(error.exitCode).toBe(4);
  });

  test('when verified TLS shows another cluster-info than the first look', async () => {
    let looks = 0;
    const answers = { [clusterInfoPath]: () => signedInfo(ours.ca, `https://10.0.0.${looks++}:6443`) };
    const error = await failure(await join({ answers }));
    expect(error.problems[0]).toMatchObject({
      code: 'KB_DISCOVERY_SIGNATURE',
      summary: 'cluster-info changed between two reads',
    });
  });
});

describe('discovery by token fails and says why', () => {
  test('when the signed CA is no certificate', async () => {
    const error = await failure(await join({ answers: { [clusterInfoPath]: () => signedInfo('no certificate') } }));
    expect(error.problems[0]?.code).toBe('KB_DISCOVERY_CA');
    expect(detail(error)).toContain('cluster-info');
  });

  test.each([
    ['is never signed for this token', clusterInfo('kind: Config', undefined), 'KB_TOKEN_UNKNOWN', 'no signature for'],
    ['has no kubeconfig', clusterInfo('', 'signature'), 'KB_DISCOVERY_TIMEOUT', 'cluster-info has no kubeconfig'],
    ['is no ConfigMap', '<html>', 'KB_DISCOVERY_TIMEOUT', 'cluster-info has no kubeconfig'],
    ['is not there', { status: 404 }, 'KB_DISCOVERY_TIMEOUT', 'HTTP 404'],
    ['may not be read', { status: 403 }, 'KB_DISCOVERY_TIMEOUT', 'HTTP 403'],
  ])('when cluster-info %s', async (_, answer, code, last) => {
    const error = await failure(await join({ answers: { [clusterInfoPath]: () => answer } }));
    expect(error.problems[0]?.code).toBe(code);
    expect(detail(error)).toContain(last);
  });

  test('when the cluster does not sign for the token within 20 s, whatever the time for discovery', async () => {
    const unsigned = clusterInfo(clusterInfoKubeconfig({ server: `https://${endpoint}`, ca: ours.ca }), undefined);
    const { ctx } = await join({ answers: { [clusterInfoPath]: () => unsigned } });
    let seconds = 0;
    const clock = { now: () => new Date((seconds += 5) * 1000) };
    const spec = { ...ctx.spec, timeouts: { ...ctx.spec.timeouts, discovery: 300 } };
    const error = await failureOf(discover({ ...ctx, clock, spec }));
    expect(error.problems[0]?.code).toBe('KB_TOKEN_UNKNOWN');
    expect(error.problems[0]?.fix).toContain('`kbinit token create --print-join-command --host root@CONTROL_PLANE`');
    expect(seconds).toBeLessThanOrEqual(25);
  });

  test('when nobody listens', async () => {
    const { ctx } = joinFrom(
      { apiServerEndpoint: endpoint, token, discoveryTokenCaCertHash: caPins(ours.ca) },
      {},
      { timeoutSeconds: 0.1 },
    );
    await expect(discover(ctx)).rejects.toMatchObject({
      problems: [{ code: 'KB_DISCOVERY_TIMEOUT', detail: expect.stringContaining('ECONNREFUSED') }],
    });
  });
});

describe('without a pin', () => {
  test('the cluster is taken as it shows itself, and the risk is told', async () => {
    const { ctx, events } = await join({
      pins: [],
      flags: { discoveryTokenUnsafeSkipCaVerification: true },
      answers: { [clusterInfoPath]: () => signedInfo(ours.ca) },
    });
    await expect(discover(ctx)).resolves.toMatchObject({ credentials: { ca: ours.ca } });
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'warning', text: expect.stringContaining('the CA is not pinned') }),
    );
  });

  test('a forged signature is refused all the same', async () => {
    const error = await failure(
      await join({
        pins: [],
        flags: { discoveryTokenUnsafeSkipCaVerification: true },
        answers: { [clusterInfoPath]: () => signedInfo(ours.ca).replace('6443', '6444') },
      }),
    );
    expect(error.problems[0]?.code).toBe('KB_DISCOVERY_SIGNATURE');
  });
});

test('another token for the TLS bootstrap is used for that and not for discovery', async () => {
  const { ctx } = await join({
    flags: { discoveryToken: token, token: undefined, tlsBootstrapToken: 'zzzzzz.0123456789abcdef' },
    answers: { [clusterInfoPath]: () => signedInfo(ours.ca) },
  });
  // The pretended cluster knows the discovery token only.
  await expect(discover(ctx)).rejects.toMatchObject({ problems: [{ code: 'KB_API_FORBIDDEN' }] });
});
