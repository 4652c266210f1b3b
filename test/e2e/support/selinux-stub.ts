// A host that looks like one with an enforcing SELinux to whoever logs in at another port, and writes down who relabels,
// renames and starts what: this kernel has no SELinux, so the programs are stubs and nothing is ever denied.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from '../../lab/lab.ts';
import { output } from '../observe.ts';
import { eventually, scratch } from '../support.ts';

const port = 2222;
const calls = '/root/selinux-calls';
const stubs = '/root/selinux-stubs';

// Programs that are there do their work behind the stub; all of it is seen by this sshd and its children only.
const serve = `set -e
mkdir -p ${stubs}
: >${calls}
stub() { printf '#!/bin/sh\necho "%s $*" >>${calls}\n%s\n' "$1" "$2" >${stubs}/$1; chmod 755 ${stubs}/$1; }
for name in mv systemctl; do
  cp /usr/bin/$name ${stubs}/$name.real
  stub $name 'exec ${stubs}/'$name'.real "$@"'
  mount --bind ${stubs}/$name /usr/bin/$name
done
stub chcon 'exit 0'
mount --bind ${stubs}/chcon /usr/bin/chcon
stub getenforce 'echo Enforcing'
for name in restorecon setenforce; do stub $name 'exit 0'; done
for name in restorecon setenforce getenforce; do
  [ -e /usr/sbin/$name ] || : >/usr/sbin/$name
  mount --bind ${stubs}/$name /usr/sbin/$name
done
mount -t tmpfs tmpfs /sys/fs
mkdir -p /sys/fs/cgroup /sys/fs/selinux/class
echo 1 >/sys/fs/selinux/enforce
exec /usr/sbin/sshd -D -p ${port} -o PidFile=none`;

/** A host that seems to have SELinux. */
export interface SelinuxHost {
  /** The flags that lead to it. */
  readonly over: readonly string[];
  /** What was called until now, one call a line. */
  calls(): Promise<readonly string[]>;
  /** No trace of it stays. */
  end(): Promise<void>;
}

/** Let a host seem to have SELinux. */
export async function withSelinux(lab: Lab, host: string): Promise<SelinuxHost> {
  const { address } = lab.host(host);
  await lab.exec(host, `cat >/root/serve-selinux`, { stdin: serve });
  const apart = 'unshare --mount --propagation private sh /root/serve-selinux';
  await output(lab, host, `systemd-run -q --unit=seems-selinux ${apart}`);
  await eventually('the other sshd', 20, async () => {
    const { code } = await lab.exec(host, `bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}'`);
    return code === 0;
  });
  const knownHosts = join(await scratch(), 'known_hosts');
  const known = await readFile(lab.knownHostsFile, 'utf8');
  await writeFile(knownHosts, known.replaceAll(new RegExp(`^${address} `, 'gm'), `[${address}]:${port} `));
  return {
    over: ['--host', `root@${address}:${port}`, '--identity-file', lab.identityFile, '--known-hosts', knownHosts],
    calls: async () => (await output(lab, host, `cat ${calls}`)).trim().split('\n'),
    end: async () => {
      // Only what was made for it is empty.
      const made =
        'for name in restorecon setenforce getenforce; do [ -s /usr/sbin/$name ] || rm /usr/sbin/$name; done';
      await output(lab, host, `systemctl stop seems-selinux; ${made}; rm -r ${calls} ${stubs} /root/serve-selinux`);
    },
  };
}

/**
 * Renames into place that were not followed by the policy's label before anything was started. kbinit's own records in
 * /var/lib/kbinit and what lies in memory have the label of their folder, for which no policy has another.
 */
export function unlabelled(all: readonly string[]): readonly string[] {
  return all.filter((call, index) => {
    const [, target = ''] = /^mv .*? (\S+)$/.exec(call) ?? [];
    if (target === '' || target.startsWith('/var/lib/kbinit/') || target.startsWith('/run/')) return false;
    const after = all.slice(index + 1);
    const label = after.indexOf(`restorecon -- ${target}`);
    return label < 0 || after.slice(0, label).some((other) => other.startsWith('systemctl '));
  });
}
