// (stub being filled in) fills a draft with what the target host says.
import type { ConfigWarning, InitDraft, JoinDraft } from './draft.ts';
import type { InitSpec, JoinSpec } from './spec.ts';
import type { HostFacts } from '../host/host.ts';
import type { Chance } from '../util/keygen.ts';

export interface CompleteOptions {
  /** The address kbinit reached the host at; used when the host has no default route. */
  readonly reachedAddress?: string | undefined;
}

/** @throws KbError KB_CONFIG, KB_NO_ADDRESS, KB_CRI_SOCKET */
export function completeInit(
  draft: InitDraft,
  facts: HostFacts,
  chance: Pick<Chance, 'tokenCharacters'>,
  options: CompleteOptions = {},
): { readonly spec: InitSpec; readonly warnings: readonly ConfigWarning[] } {
  throw new Error(
    `not yet: ${draft.isDryRun} ${facts.hostname} ${chance.tokenCharacters(0)} ${options.reachedAddress}`,
  );
}

/** @throws KbError KB_CONFIG, KB_NO_ADDRESS, KB_CRI_SOCKET */
export function completeJoin(
  draft: JoinDraft,
  facts: HostFacts,
  options: CompleteOptions = {},
): { readonly spec: JoinSpec; readonly warnings: readonly ConfigWarning[] } {
  throw new Error(`not yet: ${draft.isDryRun} ${facts.hostname} ${options.reachedAddress}`);
}
