// Packages of the host's system: which ones, how they are installed, pinned and removed again.
import type { LedgerEntry } from '../host/ledger.ts';
import { sh, type Shell } from '../host/shell.ts';

/** Exactly the packages that came with a preparation; what else needs them by now stops it. */
export function packageRemoval({ manager, added }: LedgerEntry & { readonly kind: 'packages' }): Shell {
  return manager === 'apt' ? sh`DEBIAN_FRONTEND=noninteractive dpkg --purge ${added}` : sh`rpm -e ${added}`;
}
