// The first lines of a configuration file that kbinit owns: they say so, and tell whether somebody edited it since.
import { createHash } from 'node:crypto';

/** Whose a file is. `edited` began as ours and was changed by hand: what stands in it may matter to somebody. */
export type Ownership = 'ours' | 'edited' | 'foreign';

const seal = /^# kbinit sha256:([0-9a-f]{64})$/m;

/** `body` below a comment that names the command that wrote it and the hash of what follows. */
export function ownFile(command: string, body: string): string {
  return `# Written by \`${command}\`, which replaces it: give that command other flags instead of editing this.\n# kbinit sha256:${hash(body)}\n${body}`;
}

/** Whether the file is as `ownFile` made it. */
export function ownershipOf(text: string): Ownership {
  const found = seal.exec(text);
  if (found === null) return 'foreign';
  const body = text.slice(found.index + found[0].length + 1);
  return hash(body) === found[1] ? 'ours' : 'edited';
}

function hash(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}
