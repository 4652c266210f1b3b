// What tests look at and change inside a lab host: sshd's journal, users, files and their modes.
import { readFile } from 'node:fs/promises';
import type { Lab } from '../../lab/lab.ts';

/** Run a script that must succeed, and give its output. */
export async function inHost(lab: Lab, host: string, script: string): Promise<string> {
  const { code, stdout, stderr } = await lab.exec(host, `set -eu\n${script}`, { timeoutSeconds: 60 });
  if (code !== 0) throw new Error(`in ${host}: ${stderr}${stdout}\n${script.slice(0, 200)}`);
  return stdout;
}

/** Make sshd say in its journal what clients ask for. */
export async function makeSshdTalk(lab: Lab, host: string): Promise<void> {
  await inHost(lab, host, "echo 'LogLevel DEBUG1' >/etc/ssh/sshd_config.d/talk.conf; systemctl reload ssh");
}

/** Everything sshd wrote since `work` began. */
export async function sshdJournal(lab: Lab, host: string, work: () => Promise<void>): Promise<string> {
  const cursor = (await inHost(lab, host, 'journalctl --sync; journalctl -n 1 -o json | jq -r .__CURSOR')).trim();
  await work();
  return inHost(lab, host, `journalctl --sync; journalctl -t sshd --after-cursor='${cursor}' -o cat --no-pager`);
}

/** A user that the lab's key may log in as. */
export async function addUser(
  lab: Lab,
  host: string,
  user: { readonly name: string; readonly password?: string; readonly sudoers?: string },
): Promise<void> {
  const { name, password, sudoers } = user;
  const script = [
    `id ${name} >/dev/null 2>&1 || useradd -m -s /bin/bash ${name}`,
    `install -d -m 700 -o ${name} -g ${name} /home/${name}/.ssh`,
    `install -m 600 -o ${name} -g ${name} /root/.ssh/authorized_keys /home/${name}/.ssh/authorized_keys`,
    ...(password === undefined ? [] : [`chpasswd <<'EOF'\n${name}:${password}\nEOF`]),
    ...(sudoers === undefined ? [] : [`install -m 440 /dev/stdin /etc/sudoers.d/${name} <<'EOF'\n${sudoers}\nEOF`]),
  ];
  await inHost(lab, host, script.join('\n'));
}

/** Undo what init's phases wrote, in a moment. */
export async function wipe(lab: Lab, host: string): Promise<void> {
  await inHost(
    lab,
    host,
    'systemctl stop kubelet; rm -rf /etc/kubernetes /var/lib/kbinit /var/lib/etcd; mkdir -p /etc/kubernetes',
  );
}

/** Take away what a network of Pods left, which reset leaves alone and preflight refuses (R24). */
export async function unplug(lab: Lab, host: string): Promise<void> {
  await inHost(
    lab,
    host,
    'rm -f /etc/cni/net.d/*.conflist; for link in cni0 flannel.1; do [ ! -e /sys/class/net/$link ] || ip link delete $link; done',
  );
}

/** Modes, owners and names below /etc/kubernetes, written as the goldens' tree.txt. */
export async function kubernetesTree(lab: Lab, host: string): Promise<readonly string[]> {
  const listing = await inHost(lab, host, "cd / && find etc/kubernetes -printf '%M %u:%g %y %p\\n' | sort -k 4");
  return listing.trim().split('\n');
}

/** The lines of kubeadm's own tree about these paths. */
export async function goldenTree(isWanted: (path: string) => boolean): Promise<readonly string[]> {
  const text = await readFile(new URL('../../golden/v1.36.3/default/tree.txt', import.meta.url), 'utf8');
  const lines = text.trim().split('\n');
  return lines.filter((line) => isWanted(line.split(' ')[3] ?? ''));
}
