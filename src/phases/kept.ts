// Files of certificates and keys that were there and stay: as their maker left them, but for a key that others can read.
import type { Artifact, Change } from '../host/host.ts';
import { warn, type RunContext } from './context.ts';

/** As they go into a batch: of a secret its mode is looked at, of the others nothing. */
export function asKept(files: readonly Artifact[]): readonly Artifact[] {
  return files.map((file) => ({ ...file, isKept: true as const }));
}

/** Tell of secrets that others could read, and of those that they still can. */
export function tellOpen(ctx: RunContext, phase: string, kept: readonly Artifact[], changes: readonly Change[]): void {
  const paths = new Set(kept.map(({ path }) => path));
  for (const { path, outcome, isOpen } of changes) {
    if (!paths.has(path)) continue;
    if (isOpen === true) warn(ctx, phase, `${path} is a link to a file that others than root can read: close it there`);
    else if (outcome === 'updated') warn(ctx, phase, `${path} was open to others than root: it is closed now (0600)`);
  }
}
