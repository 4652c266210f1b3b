import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { certificatePlan } from '../../../src/certs/plan.ts';
import { ensurePki, type PkiRequest, type PkiResult } from '../../../src/certs/pki.ts';
import { readCertificates, signCertificate, type Certificate, type Template } from '../../../src/certs/x509.ts';
import { KbError, type Problem } from '../../../src/errors.ts';
import { fixedRandomSource, p256Pairs, pairOf, rsaPairs } from '../../fakes/keys.ts';
import { fileOf, freshPki, now, onDisk, pkiDir, pkiRequest, spec, version } from './fixture.ts';

let disk = new Map<string, string>();
beforeAll(async () => {
  disk = await freshPki();
});

type Changes = Readonly<Record<string, string | undefined>>;

/** The finished PKI with some files replaced or, where undefined, removed. */
function changed(changes: Changes, from: ReadonlyMap<string, string> = disk): Map<string, string> {
  const copy = new Map(from);
  for (const [name, text] of Object.entries(changes)) {
    if (text === undefined) copy.delete(`${pkiDir}/${name}`);
    else copy.set(`${pkiDir}/${name}`, text);
  }
  return copy;
}

function only(...names: readonly string[]): Map<string, string> {
  return new Map([...disk].filter(([path]) => names.includes(path.slice(pkiDir.length + 1))));
}

function ensure(existing: ReadonlyMap<string, string>, change: Partial<PkiRequest> = {}): Promise<PkiResult> {
  return ensurePki(pkiRequest(spec(), { existing, ...change }));
}

async function problemsOf(result: Promise<unknown>): Promise<readonly Problem[]> {
  const error: unknown = await result.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof KbError) return error.problems;
  throw new Error('nothing was refused', { cause: error });
}

function codes(problems: readonly Problem[]): readonly string[] {
  return problems.map(({ code, phase }) => `${code} ${phase}`);
}

function journalOf(...names: readonly string[]): { journal: ReadonlySet<string> } {
  return { journal: new Set(names.map((name) => `${pkiDir}/${name}`)) };
}

const names = (result: PkiResult): readonly string[] =>
  result.artifacts.map(({ path }) => path.slice(pkiDir.length + 1));

function certificate(text: string): Certificate {
  const [first] = readCertificates(text);
  if (first === undefined) throw new Error('no certificate');
  return first;
}

/** A certificate of the PKI's CA (or of another signer) for the API server, with something wrong about it. */
function forged(
  change: Partial<Template>,
  signer: { key: string; ca?: string } = { key: 'ca.key', ca: 'ca.crt' },
): string {
  const model = certificate(fileOf(disk, 'apiserver.crt'));
  const template: Template = {
    subject: model.subject,
    serial: 99n,
    notBefore: model.notBefore,
    notAfter: model.notAfter,
    publicPem: model.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    isCa: false,
    usages: ['serverAuth'],
    altNames: model.altNames,
    keyIdentifier: 'sha256',
    ...change,
  };
  const issuer = signer.ca === undefined ? undefined : certificate(fileOf(disk, signer.ca));
  return signCertificate(template, createPrivateKey(fileOf(disk, signer.key)), issuer);
}

/** The cluster's CA again, under its own key, with something wrong about it. */
function forgedCa(change: Partial<Template>): string {
  const model = certificate(fileOf(disk, 'ca.crt'));
  return forged(
    {
      subject: model.subject,
      publicPem: model.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      isCa: true,
      usages: [],
      altNames: model.altNames,
      notBefore: model.notBefore,
      notAfter: model.notAfter,
      ...change,
    },
    { key: 'ca.key' },
  );
}

const later = (days: number): Date => new Date(now.getTime() + days * 24 * 3600 * 1000);

describe('on an empty host', () => {
  test('the whole PKI is made with its modes, CAs first, keys secret', async () => {
    const result = await ensure(new Map());
    expect(
      result.artifacts.map(({ path, mode, secret }) => [path.slice(pkiDir.length + 1), mode.toString(8), secret]),
    ).toEqual([
      ...['ca', 'apiserver', 'apiserver-kubelet-client', 'front-proxy-ca', 'front-proxy-client'].flatMap(pairRows),
      ...['etcd/ca', 'etcd/server', 'etcd/peer', 'etcd/healthcheck-client', 'apiserver-etcd-client'].flatMap(pairRows),
      ['sa.key', '600', true],
      ['sa.pub', '600', undefined],
    ]);
    expect(new Set(result.items.map(({ outcome }) => outcome))).toEqual(new Set(['created']));
    expect(result.warnings).toEqual([]);
  });

  test('the items of serving certificates name what they are valid for', async () => {
    const { items } = await ensure(new Map());
    const serving = items.filter(({ dnsNames }) => dnsNames !== undefined);
    expect(serving.map(({ name }) => name)).toEqual(['apiserver', 'etcd-server', 'etcd-peer']);
    expect(serving[0]?.ipAddresses).toEqual(['10.96.0.1', '192.168.3.129']);
  });

  test('keys are of the configured algorithm, one for each certificate and one for service accounts', async () => {
    const chance = fixedRandomSource();
    await ensurePki(pkiRequest(spec({ encryptionAlgorithm: 'ECDSA-P384' }), { chance }));
    expect(chance.keys.asked).toEqual(Array.from({ length: 11 }, () => 'ECDSA-P384'));
  });

  test('before 1.31 the gate PublicKeysECDSA chooses ECDSA', async () => {
    const chance = fixedRandomSource();
    const from = spec({ version: version('v1.28.15'), featureGates: { PublicKeysECDSA: true } });
    await ensurePki(pkiRequest(from, { chance }));
    expect(new Set(chance.keys.asked)).toEqual(new Set(['ECDSA-P256']));
  });

  test('a leaf asked for alone needs its CA first', async () => {
    const problems = await problemsOf(ensure(new Map(), { only: ['apiserver'] }));
    expect(codes(problems)).toEqual(['KB_PKI_INCOMPLETE certs/ca']);
    expect(problems[0]?.fix).toContain('kbinit init phase certs ca');
  });

  test('only what was asked for is made', async () => {
    expect(names(await ensure(new Map(), { only: ['etcd-ca'] }))).toEqual(['etcd/ca.key', 'etcd/ca.crt']);
    expect(names(await ensure(only('ca.crt', 'ca.key'), { only: ['ca', 'apiserver'] }))).toEqual([
      'apiserver.key',
      'apiserver.crt',
    ]);
    expect(names(await ensure(new Map(), { only: ['sa'] }))).toEqual(['sa.key', 'sa.pub']);
  });
});

function pairRows(base: string): readonly (readonly [string, string, true | undefined])[] {
  return [
    [`${base}.key`, '600', true],
    [`${base}.crt`, '644', undefined],
  ];
}

describe('dates', () => {
  test.each([
    // 1.25: now, and leaves begin with their CA
    ['v1.25.7', '2026-11-21T02:54:13Z', '2036-11-18T02:54:13Z', '2026-11-21T02:54:13Z', '2027-11-21T02:54:13Z'],
    // 1.26–1.30: CAs begin five minutes ago, leaves with them
    ['v1.30.14', '2026-11-21T02:49:13Z', '2036-11-18T02:54:13Z', '2026-11-21T02:49:13Z', '2027-11-21T02:54:13Z'],
    ['v1.36.3', '2026-11-21T02:49:13Z', '2036-11-18T02:54:13Z', '2026-11-21T02:49:13Z', '2027-11-21T02:54:13Z'],
  ])('a new PKI of %s', async (release, caFrom, caTo, leafFrom, leafTo) => {
    const made = await freshPki(spec({ version: version(release) }));
    const [ca, leaf] = [certificate(fileOf(made, 'ca.crt')), certificate(fileOf(made, 'apiserver.crt'))];
    const dates = [ca.notBefore, ca.notAfter, leaf.notBefore, leaf.notAfter];
    expect(dates).toEqual([caFrom, caTo, leafFrom, leafTo].map((date) => new Date(date)));
  });

  test.each([
    ['v1.30.14', 'with its CA', later(-100)],
    ['v1.31.14', 'five minutes ago', new Date('2026-11-21T02:49:13Z')],
  ])('in %s a new leaf of an old CA begins %s', async (release, _when, begin) => {
    const old = later(-100);
    old.setUTCMilliseconds(0);
    const wanted = new Date(begin);
    wanted.setUTCMilliseconds(0);
    const existing = changed({
      'apiserver.crt': undefined,
      'apiserver.key': undefined,
      'ca.crt': forgedCa({ notBefore: old }),
    });
    const made = onDisk(await ensurePki(pkiRequest(spec({ version: version(release) }), { existing })));
    expect(certificate(fileOf(made, 'apiserver.crt')).notBefore).toEqual(wanted);
  });

  test('the serial of a CA of 1.25 is 0, later ones are random', async () => {
    expect(certificate(fileOf(await freshPki(spec({ version: version('v1.25.7') })), 'ca.crt')).serial).toBe(0n);
    expect(certificate(fileOf(disk, 'ca.crt')).serial).toBe(1n);
  });

  test('the configured periods count since 1.31', async () => {
    const periods = { certificateValiditySeconds: 3600, caCertificateValiditySeconds: 7200 };
    const made = await freshPki(spec(periods));
    expect(certificate(fileOf(made, 'ca.crt')).notAfter).toEqual(new Date('2026-11-21T04:54:13Z'));
    expect(certificate(fileOf(made, 'apiserver.crt')).notAfter).toEqual(new Date('2026-11-21T03:54:13Z'));
  });
});

describe('a complete PKI', () => {
  test('is kept: nothing is written, no key is made', async () => {
    const chance = fixedRandomSource();
    const result = await ensure(disk, { chance });
    expect(result.artifacts).toEqual([]);
    expect(chance.keys.asked).toEqual([]);
    expect(new Set(result.items.map(({ outcome }) => outcome))).toEqual(new Set(['reused']));
    expect(result.items).toHaveLength(11);
    expect(result.warnings).toEqual([]);
  });

  test('is handed back with the modes it must have, so that a readable key can be closed', async () => {
    const { kept } = await ensure(disk);
    expect(onDisk({ artifacts: kept })).toEqual(disk);
    const wrong = kept.filter(({ path, mode }) => mode !== (path.endsWith('.crt') ? 0o644 : 0o600));
    expect(wrong).toEqual([]);
    expect(kept.filter(({ path, secret }) => path.endsWith('.key') && secret !== true)).toEqual([]);
  });

  test('with a leaf missing gets that leaf, signed by the CA that is there', async () => {
    const result = await ensure(changed({ 'etcd/peer.crt': undefined, 'etcd/peer.key': undefined }));
    expect(names(result)).toEqual(['etcd/peer.key', 'etcd/peer.crt']);
    const made = certificate(fileOf(onDisk(result), 'etcd/peer.crt'));
    expect(made.x509.verify(certificate(fileOf(disk, 'etcd/ca.crt')).publicKey)).toBe(true);
  });

  test('of ECDSA keys in PKCS#8 is kept and signs', async () => {
    const ec = await freshPki(spec({ encryptionAlgorithm: 'ECDSA-P256' }));
    const pkcs8 = createPrivateKey(fileOf(ec, 'ca.key')).export({ type: 'pkcs8', format: 'pem' }).toString();
    const existing = changed({ 'ca.key': pkcs8, 'apiserver.crt': undefined, 'apiserver.key': undefined }, ec);
    const result = await ensure(existing);
    const made = certificate(fileOf(onDisk(result), 'apiserver.crt'));
    expect(made.signatureAlgorithm).toBe('ECDSA-SHA256');
    expect(made.publicKey.asymmetricKeyType).toBe('rsa');
  });

  test('with a leaf of an Ed25519 key is kept', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519', {
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const changes = { 'apiserver.crt': forged({ publicPem: publicKey }), 'apiserver.key': privateKey };
    expect(names(await ensure(changed(changes)))).toEqual([]);
  });

  test('whose leaf comes through an intermediate in its file is kept', async () => {
    const inner = pairOf(p256Pairs, 0);
    const intermediate = forged({
      subject: { commonName: 'intermediate', organizations: [] },
      publicPem: inner.publicPem,
      isCa: true,
      usages: [],
      altNames: { dnsNames: [], ipAddresses: [] },
    });
    const model = certificate(fileOf(disk, 'apiserver.crt'));
    const leaf = signCertificate(
      {
        ...model,
        notBefore: model.notBefore,
        usages: ['serverAuth'],
        publicPem: model.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
        keyIdentifier: 'sha256',
      },
      createPrivateKey(inner.privatePem),
      certificate(intermediate),
    );
    const result = await ensure(changed({ 'apiserver.crt': leaf + intermediate }));
    expect(result.artifacts).toEqual([]);
    expect(codes(await problemsOf(ensure(changed({ 'apiserver.crt': leaf }))))).toEqual([
      'KB_CERT_CHAIN certs/apiserver',
    ]);
  });
});

describe('a supplied PKI is refused when (R09)', () => {
  const p224 = generateKeyPairSync('ec', {
    namedCurve: 'secp224r1',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const refused: readonly (readonly [string, () => Changes, readonly string[]])[] = [
    [
      'a leaf has expired',
      () => ({ 'apiserver.crt': forged({ notAfter: later(-1) }) }),
      ['KB_CERT_EXPIRED certs/apiserver'],
    ],
    [
      'a leaf is not valid yet',
      () => ({ 'apiserver.crt': forged({ notBefore: later(1) }) }),
      ['KB_CERT_NOT_YET_VALID certs/apiserver'],
    ],
    ['the CA has expired', () => ({ 'ca.crt': forgedCa({ notAfter: later(-1) }) }), ['KB_CERT_EXPIRED certs/ca']],
    [
      'the CA is not valid yet',
      () => ({ 'ca.crt': forgedCa({ notBefore: later(1) }) }),
      ['KB_CERT_NOT_YET_VALID certs/ca'],
    ],
    ['the CA is no CA', () => ({ 'ca.crt': forgedCa({ isCa: false }) }), ['KB_CERT_NOT_CA certs/ca']],
    [
      'a leaf has another key',
      () => ({ 'apiserver.key': pairOf(rsaPairs, 5).privatePem }),
      ['KB_CERT_KEY_MISMATCH certs/apiserver'],
    ],
    [
      'a leaf has a key of another kind',
      () => ({ 'apiserver.key': pairOf(p256Pairs, 0).privatePem }),
      ['KB_CERT_KEY_MISMATCH certs/apiserver'],
    ],
    ['the CA has another key', () => ({ 'ca.key': pairOf(rsaPairs, 4).privatePem }), ['KB_CERT_KEY_MISMATCH certs/ca']],
    [
      'a leaf was signed by another CA',
      () => ({ 'apiserver.crt': forged({}, { key: 'etcd/ca.key', ca: 'etcd/ca.crt' }) }),
      ['KB_CERT_CHAIN certs/apiserver'],
    ],
    [
      'a leaf names the CA but was signed with another key',
      () => ({ 'apiserver.crt': forged({}, { key: 'etcd/ca.key', ca: 'ca.crt' }) }),
      ['KB_CERT_CHAIN certs/apiserver'],
    ],
    [
      'a leaf signed itself',
      () => ({ 'apiserver.crt': forged({}, { key: 'apiserver.key' }) }),
      ['KB_CERT_CHAIN certs/apiserver'],
    ],
    [
      'sa.pub is of another key',
      () => ({ 'sa.pub': pairOf(rsaPairs, 0).publicPem }),
      ['KB_CERT_KEY_MISMATCH certs/sa'],
    ],
    [
      'a leaf is on P-224, which TLS of Kubernetes does not know',
      () => ({ 'apiserver.crt': forged({ publicPem: p224.publicKey }), 'apiserver.key': p224.privateKey }),
      ['KB_CERT_INVALID certs/apiserver'],
    ],
    [
      'sa.key is on P-224, with which no token can be signed',
      () => ({ 'sa.key': p224.privateKey, 'sa.pub': p224.publicKey }),
      ['KB_CERT_INVALID certs/sa'],
    ],
    [
      'etcd/ca.crt holds something else, which etcd reads as a certificate',
      () => ({ 'etcd/ca.crt': pairOf(rsaPairs, 0).publicPem + fileOf(disk, 'etcd/ca.crt') }),
      ['KB_CERT_INVALID certs/etcd-ca'],
    ],
    [
      'a key has a passphrase',
      () => ({ 'apiserver.key': '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMII=\n-----END ENCRYPTED PRIVATE KEY-----\n' }),
      ['KB_CERT_INVALID certs/apiserver'],
    ],
  ];

  test.each(refused)('%s', async (_what, changes, wanted) => {
    const problems = await problemsOf(ensure(changed(changes())));
    expect(codes(problems)).toEqual(wanted);
    for (const problem of problems) {
      expect(problem.detail).toContain(pkiDir);
      expect(problem.fix.length).toBeGreaterThan(20);
      expect(JSON.stringify(problem)).not.toContain('PRIVATE KEY-----');
    }
  });

  test('several things are wrong: all of them are told at once', async () => {
    const existing = changed({
      'apiserver.crt': forged({ notAfter: later(-1) }),
      'front-proxy-client.key': pairOf(rsaPairs, 5).privatePem,
      'etcd/ca.key': undefined,
      'etcd/peer.crt': undefined,
      'etcd/peer.key': undefined,
      'sa.key': '',
    });
    expect(codes(await problemsOf(ensure(existing)))).toEqual([
      'KB_CERT_EXPIRED certs/apiserver',
      'KB_CERT_KEY_MISMATCH certs/front-proxy-client',
      'KB_CA_KEY_MISSING certs/etcd-ca',
      'KB_CERT_INVALID certs/sa',
    ]);
  });

  test('a leaf is not examined under a CA that cannot be read', async () => {
    expect(codes(await problemsOf(ensure(changed({ 'ca.crt': 'garbage' }))))).toEqual(['KB_CERT_INVALID certs/ca']);
  });
});

describe('a supplied PKI is kept with a warning when', () => {
  test('a serving certificate misses names: the warning names them', async () => {
    const { dnsNames } = certificate(fileOf(disk, 'apiserver.crt')).altNames;
    const altNames = { dnsNames: dnsNames.filter((name) => name !== 'master1'), ipAddresses: ['10.96.0.1'] };
    const { artifacts, warnings } = await ensure(changed({ 'apiserver.crt': forged({ altNames }) }));
    expect(artifacts).toEqual([]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('not valid for master1, 192.168.3.129');
  });

  test.each(['ca.crt', 'front-proxy-ca.crt'])('%s holds something else, which is passed over', async (name) => {
    const more = changed({ [name]: pairOf(rsaPairs, 0).publicPem + fileOf(disk, name) });
    expect(await ensure(more)).toMatchObject({ warnings: [] });
  });

  test('a CA ends in less than 30 days', async () => {
    const { warnings } = await ensure(changed({ 'ca.crt': forgedCa({ notAfter: later(29.5) }) }));
    expect(warnings).toEqual([expect.stringContaining(`${pkiDir}/ca.crt expires in 29 days`)]);
    expect((await ensure(changed({ 'ca.crt': forgedCa({ notAfter: later(31) }) }))).warnings).toEqual([]);
  });

  test('a wildcard covers a name', async () => {
    const altNames = { ...certificate(fileOf(disk, 'apiserver.crt')).altNames };
    const from = spec({ controlPlaneEndpoint: 'api.k8s.example:6443' });
    const covering = forged({ altNames: { ...altNames, dnsNames: [...altNames.dnsNames, '*.k8s.example'] } });
    const existing = changed({ 'apiserver.crt': covering });
    expect((await ensurePki(pkiRequest(from, { existing }))).warnings).toEqual([]);
    expect((await ensurePki(pkiRequest(from, { existing: disk }))).warnings).toHaveLength(1);
  });
});

describe('half-written pairs (R44)', () => {
  const cut = (name: string): string => fileOf(disk, name).slice(0, 200);
  const leafHalves: readonly (readonly [string, () => Changes])[] = [
    ['an empty certificate', () => ({ 'apiserver.crt': '' })],
    ['an empty key', () => ({ 'apiserver.key': '' })],
    ['a cut certificate', () => ({ 'apiserver.crt': cut('apiserver.crt') })],
    ['a cut key', () => ({ 'apiserver.key': cut('apiserver.key') })],
    ['both empty', () => ({ 'apiserver.crt': '', 'apiserver.key': '' })],
    ['a key without certificate', () => ({ 'apiserver.crt': undefined })],
    ['a certificate without key', () => ({ 'apiserver.key': undefined })],
    ['an empty certificate without key', () => ({ 'apiserver.crt': '', 'apiserver.key': undefined })],
  ];

  test.each(leafHalves)('%s of a leaf is refused when nobody knows where it came from', async (_what, changes) => {
    const problems = await problemsOf(ensure(changed(changes())));
    expect(codes(problems)).toEqual([expect.stringMatching(/^KB_(CERT_INVALID|PKI_INCOMPLETE) certs\/apiserver$/)]);
  });

  test.each(leafHalves)('%s of a leaf is made anew when the killed run was writing it', async (_what, changes) => {
    const result = await ensure(changed(changes()), journalOf('apiserver.crt', 'apiserver.key'));
    expect(names(result)).toEqual(['apiserver.key', 'apiserver.crt']);
    const merged = new Map([...changed(changes()), ...onDisk(result)]);
    expect((await ensure(merged)).artifacts).toEqual([]);
  });

  test('a leaf whose good half was not the killed run’s is refused', async () => {
    const existing = changed({ 'apiserver.key': '' });
    expect(codes(await problemsOf(ensure(existing, journalOf('apiserver.key'))))).toEqual([
      'KB_CERT_INVALID certs/apiserver',
    ]);
  });

  const caHalves: readonly (readonly [string, () => Changes])[] = [
    ['an empty certificate', () => ({ 'ca.crt': '' })],
    ['a cut certificate', () => ({ 'ca.crt': cut('ca.crt') })],
    ['an empty key', () => ({ 'ca.key': '' })],
    ['a cut key', () => ({ 'ca.key': cut('ca.key') })],
    ['a key without certificate', () => ({ 'ca.crt': undefined })],
    ['neither certificate nor key', () => ({ 'ca.crt': undefined, 'ca.key': undefined })],
  ];
  const caFiles = journalOf('ca.crt', 'ca.key');

  test.each(caHalves)('%s of a CA that has leaves is refused even with the journal', async (_what, changes) => {
    const problems = await problemsOf(ensure(changed(changes()), caFiles));
    expect(codes(problems)).toEqual([expect.stringMatching(/^KB_(CERT_INVALID|PKI_INCOMPLETE) certs\/ca$/)]);
  });

  test.each([...caHalves, ['a certificate without key', () => ({ 'ca.key': undefined })] as const])(
    '%s of a CA without leaves is made anew when the killed run was writing it',
    async (_what, changes) => {
      const halves = changed(changes(), only('ca.crt', 'ca.key'));
      const result = await ensure(halves, caFiles);
      expect(names(result).slice(0, 4)).toEqual(['ca.key', 'ca.crt', 'apiserver.key', 'apiserver.crt']);
      expect((await ensure(onDisk(result))).artifacts).toEqual([]);
    },
  );

  test('a CA certificate without key and without leaves is refused when nobody knows where it came from', async () => {
    const problems = await problemsOf(ensure(only('ca.crt')));
    expect(codes(problems)).toContain('KB_CA_KEY_MISSING certs/ca');
    const [problem] = problems;
    expect(problem?.detail).toContain(`${pkiDir}/ca.crt exists, ${pkiDir}/ca.key does not`);
    expect(problem?.fix).toContain(`copy the key to ${pkiDir}/ca.key`);
  });

  test('everything empty, everything the killed run’s: everything is made anew', async () => {
    const existing = new Map([...disk.keys()].map((path) => [path, '']));
    const result = await ensure(existing, { journal: new Set(disk.keys()) });
    expect(new Set(names(result)).size).toBe(disk.size);
    expect(codes(await problemsOf(ensure(existing)))).toHaveLength(11);
  });

  test('sa.key follows the same rule', async () => {
    const ours = journalOf('sa.key', 'sa.pub');
    for (const changes of [
      { 'sa.key': '' },
      { 'sa.key': undefined },
      { 'sa.key': cut('sa.key'), 'sa.pub': undefined },
    ]) {
      expect(names(await ensure(changed(changes), ours))).toEqual(['sa.key', 'sa.pub']);
      expect(codes(await problemsOf(ensure(changed(changes))))).toEqual([expect.stringMatching(/ certs\/sa$/)]);
    }
  });

  test('sa.pub is written from sa.key where it is missing, and kept while it holds an older key as well', async () => {
    const result = await ensure(changed({ 'sa.pub': undefined }));
    expect(onDisk(result)).toEqual(only('sa.pub'));
    const rotated = pairOf(p256Pairs, 0).publicPem + fileOf(disk, 'sa.pub');
    expect((await ensure(changed({ 'sa.pub': rotated }))).artifacts).toEqual([]);
  });
});

describe('a CA that is kept elsewhere', () => {
  test('needs no key while its leaves are there', async () => {
    const result = await ensure(
      changed({ 'ca.key': undefined, 'front-proxy-ca.key': undefined, 'etcd/ca.key': undefined }),
    );
    expect(result.artifacts).toEqual([]);
    expect(result.isExternalCa).toBe(true);
    expect((await ensure(disk)).isExternalCa).toBe(false);
  });

  test('is refused as soon as one of its leaves is missing, and the error names that leaf', async () => {
    const existing = changed({ 'ca.key': undefined, 'apiserver.crt': undefined, 'apiserver.key': undefined });
    const problems = await problemsOf(ensure(existing));
    expect(codes(problems)).toEqual(['KB_CA_KEY_MISSING certs/ca']);
    expect(problems[0]?.detail).toContain(`${pkiDir}/apiserver.crt must be signed`);
  });

  test('means that the service-account pair must be there as well', async () => {
    const existing = changed({ 'ca.key': undefined, 'sa.key': undefined, 'sa.pub': undefined });
    expect(codes(await problemsOf(ensure(existing)))).toEqual(['KB_PKI_INCOMPLETE certs/sa']);
  });
});

test('external etcd: no etcd certificate is made or looked at', async () => {
  const etcd = { kind: 'external', endpoints: [], httpEndpoints: [], caFile: '', certFile: '', keyFile: '' } as const;
  const from = spec({ etcd });
  expect(certificatePlan(from).filter(({ name }) => name.includes('etcd'))).toEqual([]);
  const result = await ensurePki(pkiRequest(from, { existing: changed({ 'etcd/ca.crt': 'garbage' }) }));
  expect(result.artifacts).toEqual([]);
});
