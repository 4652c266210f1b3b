// The folder in memory that the bodies of a batch of files pass through on a host, and the removal of those that a
// killed command left: they may hold private keys.
import { script, type Shell } from './shell.ts';

/*
 * A stage belongs to a command as long as that holds a lock on it: the kernel frees the lock however the command ends. So
 * a stage without a lock is left over, also from a run on another machine. To make one, lock it and look for others is
 * done under a lock on /run, or a new stage could be taken for an old one. Without flock(1) nothing is swept.
 */
export const stageFunctions: Shell = script`
sweep_stages() {
  for old in /run/kbinit.??????????; do
    case $old in /run/kbinit.*[!0-9A-Za-z]*) continue ;; esac
    [ -d "$old" ] && [ ! -L "$old" ] && [ "$(stat -c %u -- "$old")" = 0 ] || continue
    flock -n -- "$old" rm -rf --one-file-system -- "$old" || :
  done
}
make_stage() {
  if command -v flock > /dev/null; then
    exec 8< /run
    ! flock -w 10 8 || sweep_stages
    stage=$(mktemp -d /run/kbinit.XXXXXXXXXX) || return 1
    exec 9< "$stage"
    flock -n 9
    exec 8<&-
  else
    stage=$(mktemp -d /run/kbinit.XXXXXXXXXX)
  fi
}
old_stages() {
  ! command -v flock > /dev/null || ( exec 8< /run; ! flock -w 10 8 || sweep_stages )
}
`;
