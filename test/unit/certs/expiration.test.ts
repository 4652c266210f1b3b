import { expect, test } from 'vitest';
import {
  expirationDocument,
  expirationTable,
  expirationWarnings,
  humanDuration,
  type Expirations,
} from '../../../src/certs/expiration.ts';

const now = new Date('2026-11-21T08:44:58.500Z');
const found: Expirations = {
  certificates: [
    { name: 'admin.conf', caName: 'ca', notAfter: new Date('2027-11-21T08:44:56Z'), isExternal: false },
    { name: 'apiserver', caName: 'ca', notAfter: undefined, isExternal: false },
    { name: 'etcd-server', caName: 'etcd-ca', notAfter: new Date('2026-11-21T08:44:00Z'), isExternal: true },
  ],
  authorities: [
    { name: 'ca', notAfter: new Date('2036-11-18T08:44:56Z'), isExternal: false },
    { name: 'etcd-ca', notAfter: undefined, isExternal: false },
  ],
};

test('the table is what kubeadm prints, blanks at line ends included', () => {
  expect(expirationTable(found, now).split('\n')).toEqual([
    'CERTIFICATE           EXPIRES                  RESIDUAL TIME   CERTIFICATE AUTHORITY   EXTERNALLY MANAGED',
    'admin.conf            Nov 21, 2027 08:44 UTC   364d            ca                      no      ',
    '!MISSING! apiserver                                                                    ',
    'etcd-server           Nov 21, 2026 08:44 UTC   <invalid>       etcd-ca                 yes     ',
    '',
    'CERTIFICATE AUTHORITY   EXPIRES                  RESIDUAL TIME   EXTERNALLY MANAGED',
    'ca                      Nov 18, 2036 08:44 UTC   9y              no      ',
    '!MISSING! etcd-ca                                                ',
    '',
  ]);
});

test('the document is CertificateExpirationInfo, seconds cut towards zero, a missing one without its CA', () => {
  const { certificates, certificateAuthorities, ...head } = expirationDocument(found, now);
  expect(head).toEqual({ kind: 'CertificateExpirationInfo', apiVersion: 'output.kubeadm.k8s.io/v1alpha3' });
  expect(JSON.stringify(certificates)).toBe(
    JSON.stringify([
      {
        name: 'admin.conf',
        expirationDate: '2027-11-21T08:44:56Z',
        residualTime: 31535997,
        externallyManaged: false,
        caName: 'ca',
        missing: false,
      },
      { name: 'apiserver', expirationDate: null, residualTime: 0, externallyManaged: false, missing: true },
      {
        name: 'etcd-server',
        expirationDate: '2026-11-21T08:44:00Z',
        residualTime: -58,
        externallyManaged: true,
        caName: 'etcd-ca',
        missing: false,
      },
    ]),
  );
  expect(certificateAuthorities).toMatchObject([{ name: 'ca', residualTime: 315359997 }, { missing: true }]);
});

test.each([
  [-2, '<invalid>'],
  [-1, '0s'],
  [0, '0s'],
  [119, '119s'],
  [120, '2m'],
  [150, '2m30s'],
  [599, '9m59s'],
  [600, '10m'],
  [3 * 3600 - 1, '179m'],
  [3 * 3600, '3h'],
  [8 * 3600 - 1, '7h59m'],
  [8 * 3600, '8h'],
  [48 * 3600 - 1, '47h'],
  [48 * 3600, '2d'],
  [51 * 3600, '2d3h'],
  [8 * 86400, '8d'],
  [2 * 365 * 86400 - 1, '729d'],
  [2 * 365 * 86400, '2y'],
  [(2 * 365 + 5) * 86400, '2y5d'],
  [8 * 365 * 86400, '8y'],
])('%i seconds are %s, as kubectl writes ages', (seconds, text) => {
  expect(humanDuration(seconds)).toBe(text);
});

test('what has ended or ends within 30 days is warned of with its cure, the rest is not', () => {
  const days = (n: number): Date => new Date(now.getTime() + n * 86_400_000);
  const warnings = expirationWarnings(
    {
      certificates: [
        { name: 'apiserver', caName: 'ca', notAfter: days(29), isExternal: false },
        { name: 'admin.conf', caName: 'ca', notAfter: days(31), isExternal: false },
        { name: 'etcd-peer', caName: 'etcd-ca', notAfter: days(-1), isExternal: true },
      ],
      authorities: [{ name: 'front-proxy-ca', notAfter: days(3), isExternal: false }],
    },
    now,
  );
  expect(warnings).toEqual([
    'apiserver expires on 2026-12-20T08:44:58.500Z: renew it: `kbinit certs renew apiserver`',
    'etcd-peer expired on 2026-11-20T08:44:58.500Z: have the CA that is kept elsewhere sign a new one',
    'front-proxy-ca expires on 2026-11-24T08:44:58.500Z: all certificates it signed become invalid then; a new CA is needed',
  ]);
});
