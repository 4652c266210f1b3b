// The one place that masks secrets: known shapes always, known values once they were named.
import type { Reporter, RunEvent } from './events.ts';

/** What stands where a secret was. */
export const mask = '****************';

/** Masks text, and remembers values that have no shape of their own. */
export interface Redactor {
  /** Mask this value from now on, also in base64, JSON and URL form. Values under four characters are no use to mask. */
  addSecret(value: string): void;
  text(value: string): string;
  event(event: RunEvent): RunEvent;
}

type Rule = readonly [pattern: RegExp, replacement: string];

/** First bytes of a PEM private key in base64, whichever kind: `-----BEGIN RSA PRIVATE KEY`, EC, PKCS#8, OpenSSH. */
const pemInBase64 = [
  'BSU0EgUFJJVkFURSBLRVk',
  'BFQyBQUklWQVRFIEtFWS',
  'BQUklWQVRFIEtFWS',
  'BPUEVOU1NIIFBSSVZBVEUgS0VZ',
  'BFTkNSWVBURUQgUFJJVkFURSBLRVkt',
].join('|');

const rules: readonly Rule[] = [
  // A PEM private key, also when its end was cut off.
  [/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g, `${mask} (private key)`],
  [new RegExp(`LS0tLS1CRUdJTi(?:${pemInBase64})[A-Za-z0-9+/_-]*=*`, 'g'), mask],
  [/(client-key-data["']?\s*[:=]\s*["']?)[A-Za-z0-9+/=_-]+/gi, `$1${mask}`],
  [/(token-secret["']?\s*[:=]\s*["']?)[A-Za-z0-9+/=]+/gi, `$1${mask}`],
  [/(authorization\\?["']?\s*[:=]\s*\\?["']?(?:bearer|basic)\s+)[^\s"'\\,}]+/gi, `$1${mask}`],
  [/(\bbearer\s+)[A-Za-z0-9._~+/-]{12,}=*/gi, `$1${mask}`],
  // A login in a URL: with http whatever stands before the @, elsewhere what has a password (ssh://root@host has none).
  [/(\bhttps?:[\\/]{2,4})[^\s\\/?#"'<>]*@/gi, `$1${mask}@`],
  [/(\b[a-z][a-z0-9+.-]{1,20}:\/\/)[^\s\\/?#@:"'<>]*:[^\s\\/?#"'<>]*@/gi, `$1${mask}@`],
  // A proxy may stand there without its scheme.
  [/(\b(?:https?|all|ftp)_proxy\\?["']?\s{0,3}[:=]\s{0,3}\\?["']?)[^\s\\/@"'<>]*:[^\s\\/@"'<>]*@/gi, `$1${mask}@`],
  // A secret in the query of a URL, by its name.
  [
    /([?&](?:[\w.-]{0,40}(?:token|secret|passw(?:or)?d|signature|credential|(?:api|access)[_-]?key)[\w.-]{0,40}|sig|pwd|auth|key)=)[^&#\s"'<>\\]+/gi,
    `$1${mask}`,
  ],
  // A JSON web token: service accounts.
  [/\beyJ[A-Za-z0-9_-]{8,1024}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, mask],
  // A bootstrap token keeps its id, which is no secret.
  [/(?<![a-z0-9])([a-z0-9]{6})\.[a-z0-9]{16}(?![a-z0-9])/g, `$1.${mask}`],
  // A certificate key; digests and CA pins carry their `sha256:`.
  [/(?<![0-9a-fA-F]|sha256:)[0-9a-fA-F]{64}(?![0-9a-fA-F])/g, mask],
];

/** A redactor with an empty memory. */
export function createRedactor(): Redactor {
  let known: readonly string[] = [];
  const text = (value: string): string => {
    let masked = value;
    for (const secret of known) masked = masked.replaceAll(secret, mask);
    for (const [pattern, replacement] of rules) masked = masked.replace(pattern, replacement);
    return maskHeadless(masked);
  };
  return {
    addSecret(value) {
      // The longest first, so that no form leaves a rest of another.
      known = [...new Set([...known, ...formsOf(value.trim())])].toSorted((a, b) => b.length - a.length);
    },
    text,
    event: (event) => maskEvent(event, text),
  };
}

/**
 * The end of a PEM private key whose beginning was cut off. By hand and from the first to the last, each character looked
 * at once: a pattern would be quadratic on long base64.
 */
function maskHeadless(text: string): string {
  const parts: string[] = [];
  let from = 0;
  for (const end of text.matchAll(/-----END [A-Z0-9 ]*PRIVATE KEY-----/g)) {
    let start = end.index;
    while (start > from && /[A-Za-z0-9+/=\r\n\\]/.test(text.charAt(start - 1))) start--;
    parts.push(text.slice(from, start), `${mask} (private key)`);
    from = end.index + end[0].length;
  }
  return parts.join('') + text.slice(from);
}

/** How a value may be written. */
function formsOf(value: string): readonly string[] {
  if (value.length < 4) return [];
  const bytes = Buffer.from(value);
  return [
    value,
    bytes.toString('base64'),
    bytes.toString('base64url'),
    Buffer.from(`${value}\n`).toString('base64'),
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(bytes.toString()),
    value.replaceAll("'", `'\\''`),
  ];
}

/** What is read of a string, and what is shown: a secret that the first bound cuts in two is behind the second. */
const readCharacters = 512 * 1024;
const shownCharacters = 16 * 1024;
const contentCharacters = 256 * 1024;
const shownItems = 1000;

/** Text from anywhere, masked, and no longer than a screen or a log can take. */
function bounded(value: string, text: (value: string) => string, most: number): string {
  const masked = text(value.slice(0, readCharacters));
  const cut = value.length - Math.min(value.length, readCharacters);
  if (masked.length <= most && cut === 0) return masked;
  return `${masked.slice(0, most)}… (${masked.length - Math.min(masked.length, most) + cut} more characters)`;
}

/** A copy in which every string, at any depth, is masked and has an end. `kind` has no secret and stays for the type's sake. */
function maskEvent(event: RunEvent, text: (value: string) => string): RunEvent {
  const masked = maskDeep(event, text);
  return isEvent(masked) ? masked : event;
}

function isEvent(value: unknown): value is RunEvent {
  return typeof value === 'object' && value !== null && 'kind' in value;
}

function maskDeep(value: unknown, text: (value: string) => string, most: number = shownCharacters): unknown {
  if (typeof value === 'string') return bounded(value, text, most);
  if (Array.isArray(value)) return value.slice(0, shownItems).map((item) => maskDeep(item, text));
  if (typeof value !== 'object' || value === null) return value;
  // What a plan would write is shown whole.
  const mostOf = (key: string): number => (key === 'content' ? contentCharacters : shownCharacters);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, maskDeep(item, text, mostOf(key))]));
}

/** The process's redactor: one memory, so that a password named anywhere is masked everywhere. */
export const redactor: Redactor = createRedactor();

/** Never show or log this value. */
export function addSecret(value: string): void {
  redactor.addSecret(value);
}

/** A reporter that gets every event masked. */
export function redacting(reporter: Reporter, by: Redactor = redactor): Reporter {
  return { emit: (event) => reporter.emit(by.event(event)) };
}
