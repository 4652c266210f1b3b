// Which programs of the machine a test may do without: those of the list of Debian packages, which `npm test` installs.
import { existsSync } from 'node:fs';
import type { ListedProgram } from './lab/debian-packages.ts';

/** Shells that are part of every Debian. */
type OwnShell = '/bin/sh' | '/bin/bash' | '/bin/dash';

/** Whether a program is missing: where packages cannot be installed, its tests are skipped. */
export function isMissing(program: ListedProgram | OwnShell): boolean {
  return !existsSync(program);
}
