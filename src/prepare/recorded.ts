// Installations that write down what came with them, for the way back.
import type { LedgerEntry } from '../host/ledger.ts';
import { script, sh, type Shell } from '../host/shell.ts';
import { unitEntry } from './action.ts';
import { places } from './places.ts';
import type { HostState } from './state.ts';

// What came is written down by the installation itself, also when it is cut: the difference of the list of packages.
// A signing key is a package to rpm, with its number for a version.
const kept = script`
list=$1; shift
umask 077
names() {
  if [ "$kind" = dpkg ]; then
    dpkg-query -W -f='$''{db:Status-Status} $''{Package}\n' | sed -n 's/^installed //p'
  else
    rpm -qa --qf '%{NAME} %{VERSION}-%{RELEASE}\n' | sed -e '/^gpg-pubkey /s/ /-/' -e '/^gpg-pubkey-/!s/ .*//'
  fi | sort -u
}
before=$(names) || exit 1
record() {
  rc=$?
  trap - EXIT
  { cat "$list" 2>/dev/null; names | while IFS= read -r name; do
    case "
$before
" in *"
$name
"*) ;; *) printf '%s\n' "$name" ;; esac
  done; } | sort -u >"$list.new" && mv -f -- "$list.new" "$list"
  exit $rc
}
trap record EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
`;

/** An installation of these words that writes down what came with it. */
export function recorded(kind: 'dpkg' | 'rpm', words: readonly string[], install: Shell): Shell {
  return sh`set -- ${places.packageList} ${words}; kind=${kind}; ${kept}${install}`;
}

/** What an installation changes. A folder that no package owns, as this one of Docker's, outlives the packages: it goes after them. */
export function installationEntries(
  state: HostState,
  manager: 'dpkg' | 'rpm',
  units: readonly string[],
): readonly LedgerEntry[] {
  const folders = ['/etc/containerd'].filter((path) => state.missingFolders.has(path));
  return [
    ...folders.map((path) => ({ kind: 'folder' as const, path })),
    { kind: 'packages', manager },
    ...units.map((unit) => unitEntry(state, unit)),
  ];
}
