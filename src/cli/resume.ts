// The command line to go on with after a stop: as it was typed, without its secrets.
import { quote } from '../host/shell.ts';

/** Flags whose value is a secret. */
const secretFlags = new Set(['--token', '--discovery-token', '--tls-bootstrap-token', '--certificate-key']);

/** The command line to go on with: as it was typed, without its secrets. */
export function resumeCommand(argv: readonly string[]): string {
  const words = argv.map((word, index) => {
    if (secretFlags.has(argv[index - 1] ?? '')) return '…';
    const [flag = ''] = word.split('=', 1);
    return secretFlags.has(flag) && word.includes('=') ? `${flag}=…` : withoutLogin(word);
  });
  return ['kbinit', ...words.map((word) => (word.includes('…') ? word : quote(word)))].join(' ');
}

/** The value of a flag for a message; undefined where it is a secret. */
export function shownValue(flag: string, value: string): string | undefined {
  return secretFlags.has(flag) ? undefined : withoutLogin(value);
}

/** A URL (--discovery-file) may carry a login before its host or in its query. */
function withoutLogin(word: string): string {
  if (!word.includes('https://')) return word;
  return word.replace(/(https:\/\/)[^/?#]*@/, '$1…@').replace(/\?.*$/s, '?…');
}
