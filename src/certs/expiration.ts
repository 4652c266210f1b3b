// When certificates end: kubeadm's table, and its output API for scripts.
import { columns } from '../util/columns.ts';
import type { Certificate } from './x509.ts';

/** One certificate and where it stands. */
export interface Expiration {
  readonly name: string;
  /** Of a leaf: the CA that signs it. */
  readonly caName?: string;
  /** Undefined where its file does not exist. */
  readonly notAfter: Date | undefined;
  /** The CA's key is kept elsewhere: kbinit cannot renew. */
  readonly isExternal: boolean;
}

/** Everything that ends on a control plane. */
export interface Expirations {
  readonly certificates: readonly Expiration[];
  readonly authorities: readonly Expiration[];
}

type Fields = Readonly<Record<string, unknown>>;

const secondMilliseconds = 1000;
const [minute, hour, day, year] = [60, 3600, 24 * 3600, 365 * 24 * 3600];

/** CertificateExpirationInfo of output.kubeadm.k8s.io/v1alpha3, its fields in kubeadm's order (spec 05 §2). */
export function expirationDocument({ certificates, authorities }: Expirations, now: Date): Fields {
  return {
    kind: 'CertificateExpirationInfo',
    apiVersion: 'output.kubeadm.k8s.io/v1alpha3',
    certificates: certificates.map((row) => fieldsOf(row, now)),
    certificateAuthorities: authorities.map((row) => fieldsOf(row, now)),
  };
}

function fieldsOf({ name, caName, notAfter, isExternal }: Expiration, now: Date): Fields {
  if (notAfter === undefined) {
    return { name, expirationDate: null, residualTime: 0, externallyManaged: false, missing: true };
  }
  return {
    name,
    // RFC 3339 as Go prints it: whole seconds.
    expirationDate: notAfter.toISOString().replace(/\.\d+Z$/, 'Z'),
    residualTime: secondsLeft(notAfter, now),
    externallyManaged: isExternal,
    ...(caName === undefined ? {} : { caName }),
    missing: false,
  };
}

/** The two tables, byte for byte as kubeadm prints them. */
export function expirationTable({ certificates, authorities }: Expirations, now: Date, screen?: number): string {
  const leaves = certificates.map((row) => cells(row, now, [row.caName ?? '']));
  const cas = authorities.map((row) => cells(row, now, []));
  const first = ['CERTIFICATE', 'EXPIRES', 'RESIDUAL TIME', 'CERTIFICATE AUTHORITY', 'EXTERNALLY MANAGED'];
  const second = ['CERTIFICATE AUTHORITY', 'EXPIRES', 'RESIDUAL TIME', 'EXTERNALLY MANAGED'];
  return `${columns([first, ...leaves], screen)}\n${columns([second, ...cas], screen)}`;
}

function cells({ name, notAfter, isExternal }: Expiration, now: Date, ca: readonly string[]): readonly string[] {
  if (notAfter === undefined) return [`!MISSING! ${name}`, '', '', ...ca.map(() => ''), ''];
  const external = (isExternal ? 'yes' : 'no').padEnd(8);
  return [name, goDate(notAfter), humanDuration(secondsLeft(notAfter, now)), ...ca, external];
}

/** `Jan 02, 2006 15:04 MST` in UTC. */
function goDate(date: Date): string {
  const [, dayOfMonth, month, yearText, time = ''] = date.toUTCString().split(' ');
  return `${month} ${dayOfMonth}, ${yearText} ${time.slice(0, 5)} UTC`;
}

function secondsLeft(notAfter: Date, now: Date): number {
  return Math.trunc((notAfter.getTime() - now.getTime()) / secondMilliseconds);
}

/** Two or three significant figures: `9y`, `364d`, `2d3h`, `7h59m`, `5m30s` (apimachinery's HumanDuration). */
export function humanDuration(seconds: number): string {
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 2 * minute) return `${seconds}s`;
  const whole = (unit: number): number => Math.floor(seconds / unit);
  if (seconds < 10 * minute) return pair(whole(minute), 'm', seconds % minute, 's');
  if (seconds < 3 * hour) return `${whole(minute)}m`;
  if (seconds < 8 * hour) return pair(whole(hour), 'h', whole(minute) % 60, 'm');
  if (seconds < 2 * day) return `${whole(hour)}h`;
  if (seconds < 8 * day) return pair(whole(day), 'd', whole(hour) % 24, 'h');
  if (seconds < 2 * year) return `${whole(day)}d`;
  if (seconds < 8 * year) return pair(whole(year), 'y', whole(day) % 365, 'd');
  return `${whole(year)}y`;
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
}

/** Days before its end from which a certificate is worth a warning. */
const soonDays = 30;

/** A sentence for each certificate that has ended or ends soon, with what to do. */
export function expirationWarnings({ certificates, authorities }: Expirations, now: Date): readonly string[] {
  const rows = [
    ...certificates.map((row) => ({
      ...row,
      cure: row.isExternal
        ? `have the CA that is kept elsewhere sign a new one`
        : `renew it: \`kbinit certs renew ${row.name}\``,
    })),
    ...authorities.map((row) => ({
      ...row,
      cure: 'all certificates it signed become invalid then; a new CA is needed',
    })),
  ];
  return rows.flatMap(({ name, notAfter, cure }) => {
    if (notAfter === undefined) return [];
    const left = secondsLeft(notAfter, now);
    if (left >= soonDays * day) return [];
    return [`${name} ${left < 0 ? 'expired on' : 'expires on'} ${notAfter.toISOString()}: ${cure}`];
  });
}

/** A row of a certificate that was read, or of one that is not there. */
export function expirationOf(
  name: string,
  certificate: Pick<Certificate, 'notAfter'> | undefined,
  signer: { readonly caName?: string; readonly isExternal: boolean },
): Expiration {
  return { name, notAfter: certificate?.notAfter, ...signer };
}
