// The command line to go on with after a stop: as it was typed, without its secrets.
import { quote } from '../../host/shell.ts';

/** Flags whose value is a secret. */
const secretFlags = new Set(['--token', '--discovery-token', '--tls-bootstrap-token', '--certificate-key']);

/** `token create` and `token delete` take one as an argument; whoever typed it with a capital meant a token too. */
const bootstrapToken = /^[a-z0-9]{6}\.[a-z0-9]{16}$/i;

/** A URL, as `new URL` takes it: in any case, with slashes of either kind or none. */
const webUrl = /https?:[\\/]*[^\\/]/i;

/** The command line to continue with: as it was typed, without its secrets. */
export function resumeCommand(argv: readonly string[]): string {
  const words = argv.map((word, index) => {
    if (secretFlags.has(argv[index - 1] ?? '') || bootstrapToken.test(word)) return '…';
    const [flag = ''] = word.split('=', 1);
    return secretFlags.has(flag) && word.includes('=') ? `${flag}=…` : withoutLogin(word);
  });
  return [
    'kbinit',
    ...words.map((word) => (/^[\w@%+=:,./?…-]*…[\w@%+=:,./?…-]*$/.test(word) ? word : quote(word))),
  ].join(' ');
}

/** The value of a flag for a message; undefined where it is a secret. */
export function shownValue(flag: string, value: string): string | undefined {
  return secretFlags.has(flag) ? undefined : withoutLogin(value);
}

/** A URL (--discovery-file, --repository) may carry a login before its host or in its query. */
function withoutLogin(word: string): string {
  if (!webUrl.test(word)) return word;
  return word.replaceAll(/(https?:[\\/]*)[^\\/?#]*@/gi, '$1…@').replace(/\?.*$/s, '?…');
}

/** The passwords in the URLs of a command line, which are to be masked wherever they show. */
export function passwordsOf(argv: readonly string[]): readonly string[] {
  return argv.flatMap((word) => {
    const start = word.search(webUrl);
    const text = start < 0 ? '' : word.slice(start);
    if (!URL.canParse(text)) return [];
    const { password } = new URL(text);
    return password === '' ? [] : [password, decoded(password)];
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
