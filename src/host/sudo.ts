// How commands become root's where the login user is not root: sudo without a password, or with one on its stdin.
import { randomBytes } from 'node:crypto';
import { KbError } from '../errors.ts';
import { shortened } from './failures.ts';

/** How a command is started on the host. */
export type Elevation =
  | { readonly kind: 'none' }
  | { readonly kind: 'sudo' }
  /** The prompt is a random word: only sudo's own question is answered, and it is found among other output. */
  | { readonly kind: 'sudo-password'; readonly prompt: string; readonly password: string };

/** sudo with a password and a prompt that nothing else prints. */
export function withPassword(password: string): Elevation {
  return { kind: 'sudo-password', prompt: `kbinit-${randomBytes(9).toString('hex')}:`, password };
}

/** The words before `/bin/sh`; nothing in them is secret. */
export function sudoPrefix(elevation: Elevation): string {
  switch (elevation.kind) {
    case 'none':
      return '';
    case 'sudo':
      return '/usr/bin/sudo -n -H -u root -- ';
    case 'sudo-password':
      return `/usr/bin/sudo -S -H -u root -p ${elevation.prompt} -- `;
    default:
      return elevation satisfies never;
  }
}

/** Counts sudo's questions in what arrives piece by piece; the answer is how many there were so far. */
export function promptCounter(prompt: string): (chunk: Buffer) => number {
  let count = 0;
  let rest = '';
  return (chunk) => {
    const parts = (rest + chunk.toString('latin1')).split(prompt);
    count += parts.length - 1;
    rest = (parts.at(-1) ?? '').slice(-prompt.length);
    return count;
  };
}

/** sudo -n says so when a password would do. */
export function wantsPassword(noise: string): boolean {
  return /password is required|a terminal is required/.test(noise);
}

function problem(name: string, summary: string, detail: string, fix: string): KbError {
  return new KbError({ code: 'KB_SUDO', summary, detail, fix, host: name });
}

/** The password was not the right one; it is not tried a second time, so that no account gets locked. */
export function wrongSudoPassword(name: string, user: string): KbError {
  const fix = `run again with the correct sudo password of ${user}`;
  return problem(name, 'sudo refused the password', `sudo rejected the password for ${user}`, fix);
}

/** sudo requires a password and there is none. */
export function noSudoPassword(name: string, user: string): KbError {
  const fix = `run at a terminal, which asks for it, or allow it in sudoers: ${user} ALL=(ALL) NOPASSWD: ALL`;
  return problem(name, 'sudo requires a password', `${user} is not root and sudo -n needs a password`, fix);
}

/** sudo gave another user. */
export function notRoot(name: string, user: string, found: string): KbError {
  const fix = `let ${user} run /bin/sh as root with sudo: ${user} ALL=(root) NOPASSWD: ALL`;
  return problem(
    name,
    'sudo did not grant root',
    `sudo -u root ran \`id -u\` as ${found === '' ? 'an unknown user' : found}`,
    fix,
  );
}

/** sudo would not start the shell; `said` is what it said instead. */
export function sudoRefused(name: string, user: string, said: string): KbError {
  // sudo names the whole command in its refusal, which is our prologue.
  const words = shortened(
    said.replaceAll(/kbinit-[0-9a-f]+:/g, '').replaceAll(/\/bin\/sh -c .* [0-9a-f]{24}/g, '/bin/sh'),
  );
  const detail = words === '' ? 'sudo ended without a word' : words;
  const fix = /must have a tty/.test(said)
    ? `add to sudoers: Defaults:${user} !requiretty`
    : `let ${user} run /bin/sh as root with sudo (/usr/bin/sudo must exist), or log in as root`;
  return problem(name, 'sudo did not grant root', detail, fix);
}
