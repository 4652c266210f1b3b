// Certificates as the goldens hold them: what openssl prints, without serials, keys, key identifiers and signatures.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** `== PATH` sections of a golden file. */
export function sections(text: string): ReadonlyMap<string, string> {
  return new Map(
    text
      .split(/^== /m)
      .slice(1)
      .map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)]),
  );
}

/** What openssl prints of certificates, by lines. */
export function printedCertificates(pems: readonly string[]): readonly (readonly string[])[] {
  const scratch = mkdtempSync(join(tmpdir(), 'kbinit-golden-'));
  try {
    const bundle = join(scratch, 'bundle.pem');
    writeFileSync(bundle, pems.join(''));
    const text = execFileSync('openssl', ['storeutl', '-noout', '-text', '-certs', bundle], { encoding: 'utf8' });
    return text
      .replaceAll(/^ *Serial Number:.*\n(?: *[0-9a-f:]+\n)?/gm, '')
      .replaceAll(/^ *X509v3 (?:Subject|Authority) Key Identifier: *\n.*\n/gm, '')
      .replaceAll(/^ *(?:Modulus|pub|Signature Value):\s*\n/gm, '')
      .replaceAll(/^ *(?:[0-9a-f]{2}:)+(?:[0-9a-f]{2})?\n/gm, '')
      .replaceAll(/^ *[0-9a-f]{2}\n/gm, '')
      .replace(/^Total found: .*\n/m, '')
      .split(/^\d+: Certificate\n/m)
      .slice(1)
      .map((part) => part.trimEnd().split('\n'));
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

const datePattern = /Not (?:Before|After ?): ?(.*)$/;

/** The lines that name no date. */
export function withoutDates(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => !datePattern.test(line));
}

/** Begin and end in seconds since the epoch. */
export function dates(lines: readonly string[]): readonly number[] {
  return lines.flatMap((line) => datePattern.exec(line)?.[1] ?? []).map((text) => Date.parse(text) / 1000);
}

/** What `openssl x509 -text` printed, cut out of a golden section; storeutl puts no spaces around `=`. */
export function goldenPrinted(section: string): readonly string[] {
  return section.slice(section.indexOf('Certificate:')).replaceAll(' = ', '=').trimEnd().split('\n');
}
