// The shapes of single values, as Kubernetes and kubeadm check them.
import { isOneVisibleLine } from '../util/invisible.ts';
import { parseIp } from '../util/net.ts';
import { isDnsSubdomain } from '../util/shapes.ts';

/** A name a certificate may carry: a subdomain, one behind `*.`, or an address. */
export function isCertificateName(text: string): boolean {
  return isDnsSubdomain(text.startsWith('*.') ? text.slice(2) : text) || parseIp(text) !== undefined;
}

/** `abcdef.0123456789abcdef` */
export function isBootstrapToken(text: string): boolean {
  return /^[a-z0-9]{6}\.[a-z0-9]{16}$/.test(text);
}

/** A group that bootstrap tokens may give (k8s.io/cluster-bootstrap ValidateBootstrapGroupName). */
export function isBootstrapGroup(text: string): boolean {
  return /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/.test(text);
}

/** A qualified name: `example.com/key` or `key`. */
export function isQualifiedName(text: string): boolean {
  const parts = text.split('/');
  const name = parts.at(-1) ?? '';
  const prefix = parts.slice(0, -1);
  const isName = name.length <= 63 && /^[A-Za-z0-9](?:[-\w.]*[A-Za-z0-9])?$/.test(name);
  return isName && prefix.length <= 1 && prefix.every(isDnsSubdomain);
}

export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

export function isAbsolutePath(path: string): boolean {
  return path.startsWith('/');
}

/** It has a part that is `.` or `..`: which place that is depends on the links on the way. */
export function hasDotPart(path: string): boolean {
  return /(?:^|\/)\.\.?(?:\/|$)/.test(path);
}

/** A folder's path with one slash between its parts and none at its end. */
export function cleanFolder(path: string): string {
  return path.replaceAll(/\/+/g, '/').replace(/(?<=.)\/$/, '');
}

/** The same without `.` and `..`, by the text alone, as kubeadm joins its paths (Go's `path.Clean`). */
export function plainFolder(path: string): string {
  if (!isAbsolutePath(path)) return path;
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return `/${parts.reduce<string[]>((above, part) => (part === '..' ? above.slice(0, -1) : [...above, part]), []).join('/')}`;
}

/**
 * Control characters have no meaning in a configuration, and in files they change the meaning of what follows; marks that
 * nobody sees make a text another one than it looks.
 */
export function hasControlCharacter(text: string): boolean {
  return !isOneVisibleLine(text);
}

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const domain = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][-a-zA-Z0-9]*[a-zA-Z0-9])';
const host = `(?:${domain}(?:\\.${domain})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const imageName = new RegExp(`^(?:${host}/)?${component}(?:/${component})*$`);

/** Something that may stand before `/name:tag` (github.com/distribution/reference). */
export function isImageRepository(repository: string): boolean {
  return repository.length <= 255 && imageName.test(`${repository}/name`);
}

export interface HostPort {
  readonly host: string;
  /** undefined when none is given. */
  readonly port: number | undefined;
}

/** `host`, `host:6443`, `[::1]:6443`, `::1`; undefined when it is none (kubeadm ParseHostPort). */
export function parseHostPort(text: string): HostPort | undefined {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  const plain = /^([^:]*):([^:]*)$/.exec(text);
  const [name, port] = bracketed ? [bracketed[1], bracketed[2]] : plain ? [plain[1], plain[2]] : [text, undefined];
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && isPort(Number(port)))) return undefined;
  const isHost = name !== undefined && (parseIp(name) !== undefined || isDnsSubdomain(name));
  return isHost ? { host: name, port: port === undefined ? undefined : Number(port) } : undefined;
}

/** The first letter that no host or port has in a name of DNS, in words. */
export function wrongLetter(text: string): string | undefined {
  const wrong = /[^a-z0-9.:[\]-]/u.exec(text)?.[0];
  return wrong === undefined ? undefined : `has ${JSON.stringify(wrong)}, which a DNS name cannot hold`;
}

/**
 * Why a text is not the host:port of an API server to join: kubeadm only splits it, so a name may have capitals and
 * underscores, which DNS and hosts files take.
 */
export function endpointFault(text: string): string | undefined {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*)):(.*)$/.exec(text) ?? [];
  if (port === undefined) return 'is not host:port';
  if (!/^\d{1,5}$/.test(port) || !isPort(Number(port))) return 'has no port from 1 to 65535 behind its last colon';
  if (bracketed !== undefined) {
    return parseIp(bracketed) === undefined ? 'has no IPv6 address in its brackets' : undefined;
  }
  if (plain === undefined || plain === '') return 'has no host before its colon';
  const wrong = /[^A-Za-z0-9._-]/u.exec(plain)?.[0];
  return wrong === undefined ? undefined : `has ${JSON.stringify(wrong)} in its host name`;
}

/** The scheme of a URL; undefined when it has none. */
export function urlScheme(text: string): string | undefined {
  return /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1]?.toLowerCase();
}

/** The path of a `file:` URL, any other text as it is (kubeadm's SetDefaults_FileDiscovery). */
export function pathOfFileUrl(text: string): string {
  if (urlScheme(text) !== 'file' || !URL.canParse(text)) return text;
  const { pathname } = new URL(text);
  try {
    return decodeURIComponent(pathname);
  } catch {
    return pathname;
  }
}
