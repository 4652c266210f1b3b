// The one boundary for what hosts and clusters say: a value has its shape, or who said it is refused, with the value shown
// as an escape would show it.
import { KbError, type Problem } from '../errors.ts';
import { quoted } from './invisible.ts';
import { parseIp } from './net.ts';
import { hostnameShape, isDnsSubdomain, type Shape } from './shapes.ts';

/** Longer values are cut in messages. */
const shownLength = 120;

/** A value as a message shows it: in quotes, escaped, cut. */
function shown(value: string): string {
  return value.length <= shownLength
    ? quoted(value)
    : `${quoted(value.slice(0, shownLength))}… (${value.length} characters)`;
}

/** Values that a host said, read one by one; what is wrong with them is told at once at the end. */
export class Said {
  readonly #problems: Problem[] = [];

  /** The value where it has the shape. `what` is the thing as people call it. */
  value(what: string, text: string, shape: Shape): string {
    if (!shape.fits(text)) this.#refuse('KB_HOST_FACT', what, text, shape.words, factFix(what));
    return text;
  }

  /** A value that may be missing, which is ''. */
  optional(what: string, text: string, shape: Shape): string {
    return text === '' ? '' : this.value(what, text, shape);
  }

  /** A value that may hold a password: a wrong one is not shown. */
  secret(what: string, text: string, shape: Shape): string {
    if (!shape.fits(text)) this.#add('KB_HOST_FACT', what, `needs ${shape.words}`, factFix(what));
    return text;
  }

  /** A number; 0 where the host said nothing. */
  number(what: string, text: string, shape: Shape): number {
    return Number(this.optional(what, text, shape));
  }

  /** All of a list. */
  all(what: string, texts: readonly string[], shape: Shape): readonly string[] {
    for (const text of texts) this.value(what, text, shape);
    return texts;
  }

  /** The host's own name; '' where it has none. */
  hostname(text: string): string {
    if (!hostnameShape.fits(text)) {
      this.#refuse('KB_HOST_NAME', 'host name', text, hostnameShape.words, nameFix);
      return '';
    }
    return text === '(none)' ? '' : text;
  }

  /** @throws KbError KB_HOST_NAME, KB_HOST_FACT */
  end(): void {
    if (this.#problems.length > 0) throw new KbError(this.#problems);
  }

  #refuse(code: Problem['code'], what: string, text: string, words: string, fix: string): void {
    this.#add(code, what, `found ${shown(text)}, needs ${words}`, fix);
  }

  #add(code: Problem['code'], what: string, detail: string, fix: string): void {
    // What a host says wrongly a thousand times is told once.
    if (this.#problems.some((one) => one.detail.startsWith(`${what}: `))) return;
    const summary = code === 'KB_HOST_NAME' ? badName : 'the host reports an invalid value';
    this.#problems.push({ code, summary, detail: `${what}: ${detail}`, fix });
  }
}

const badName = 'the name of the host cannot be used';

const nameFix =
  'check who named the host so; give it another name with `hostnamectl set-hostname NAME`, then run again';

function factFix(what: string): string {
  return `check the host: its ${what} is not what a Linux host reports; nothing was changed with it`;
}

/**
 * A host's name for everything that others read: a Node, a certificate, another host's files. In lower case, as kubeadm
 * has it. @throws KbError KB_HOST_NAME when it has none that Kubernetes takes
 */
export function hostNameOf(hostname: string): string {
  const name = hostname.toLowerCase();
  // A name that is an address would become one in a certificate.
  if (isDnsSubdomain(name) && parseIp(name) === undefined) return name;
  throw new KbError({
    code: 'KB_HOST_NAME',
    summary: badName,
    detail:
      name === ''
        ? 'the host has no name'
        : `host name: found ${shown(hostname)}, needs small letters, digits, "-" and "." (a DNS subdomain, RFC 1123)`,
    fix: 'give the host a name with `hostnamectl set-hostname NAME`, then run again',
  });
}
