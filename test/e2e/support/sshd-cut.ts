// An sshd that breaks its own connections: at the N-th command, before it, under it, or after it but before its answer.
import type { Lab } from '../../lab/lab.ts';
import { inHost } from './host.ts';

export type CutPlace = 'before' | 'under' | 'after';

/*
 * ForceCommand starts it instead of the login shell's command. $PPID is the sshd of this connection; with it all channels
 * of the connection go. `after` keeps the answer back until the command has ended, then cuts.
 */
const wrapper = `#!/bin/sh
cd /run/cut || exit 1
n=$( { flock 9; n=$(($(cat count) + 1)); echo $n >count; echo $n; } 9>lock)
case $(cat plan) in
  "$n before") kill -KILL $PPID; exit 1 ;;
  "$n under") (sleep 0.03; kill -KILL $PPID) & ;;
  "$n after")
    exec 3<&0
    /bin/sh -c "$SSH_ORIGINAL_COMMAND" <&3 >out 2>err &
    i=0
    while [ $i -lt 600 ] && ! grep -aqE '[0-9a-f]{24}>[0-9]+\\.$' out; do sleep 0.05; i=$((i + 1)); done
    echo "$n" >>done
    kill -KILL $PPID
    exit 1 ;;
esac
exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"
`;

/** Put the wrapper in front of every command of root. */
export async function makeSshdCut(lab: Lab, host: string): Promise<void> {
  await inHost(
    lab,
    host,
    `install -d -m 700 /run/cut
cat >/usr/local/sbin/cut-command <<'EOF'
${wrapper}EOF
chmod 755 /usr/local/sbin/cut-command
echo 'ForceCommand /usr/local/sbin/cut-command' >/etc/ssh/sshd_config.d/cut.conf
systemctl reload ssh`,
  );
  await planCut(lab, host);
}

/** Count from one again, and cut at that command; nothing is cut without one. */
export async function planCut(lab: Lab, host: string, at = 0, place: CutPlace = 'before'): Promise<void> {
  await inHost(lab, host, `cd /run/cut; rm -f done out err; echo 0 >count; echo '${at} ${place}' >plan`);
}

/** Commands since then. */
export async function countCommands(lab: Lab, host: string): Promise<number> {
  return Number(await inHost(lab, host, 'cat /run/cut/count'));
}

/** Give sshd back. */
export async function endSshdCut(lab: Lab, host: string): Promise<void> {
  await inHost(lab, host, 'rm -f /etc/ssh/sshd_config.d/cut.conf; systemctl reload ssh');
}
