// (stub being filled in) reads configuration files and flags into drafts.
import type { ConfigWarning, InitDraft, JoinDraft, ResetSpec } from './draft.ts';
import type { InitFlags, JoinFlags, ResetFlags } from './flags.ts';

/** What was read, and what the user should know about it. */
export interface Loaded<T> {
  readonly draft: T;
  readonly warnings: readonly ConfigWarning[];
}

/** @throws KbError KB_CONFIG with every problem */
export function loadInit(text: string | Uint8Array | undefined, source: string, flags: InitFlags): Loaded<InitDraft> {
  throw new Error(`not yet: ${typeof text} ${source} ${Object.keys(flags).length}`);
}

/** @throws KbError KB_CONFIG with every problem */
export function loadJoin(text: string | Uint8Array | undefined, source: string, flags: JoinFlags): Loaded<JoinDraft> {
  throw new Error(`not yet: ${typeof text} ${source} ${Object.keys(flags).length}`);
}

/** @throws KbError KB_CONFIG with every problem */
export function loadReset(text: string | Uint8Array | undefined, source: string, flags: ResetFlags): Loaded<ResetSpec> {
  throw new Error(`not yet: ${typeof text} ${source} ${Object.keys(flags).length}`);
}
