// The peer for many hosts: Debian's ansible-core, run on a lab host of its own.
import type { Lab } from '../lab/lab.ts';

const folder = '/root/play';

const settings = `[defaults]
inventory = hosts
forks = 30
[ssh_connection]
pipelining = True
`;

// As little as a playbook that prepares a host can do: three small files, two commands that only look.
const playbook = `- hosts: all
  tasks:
    - ansible.builtin.copy: { dest: /etc/modules-load.d/play.conf, content: "overlay\\nbr_netfilter\\n" }
    - ansible.builtin.copy: { dest: /etc/sysctl.d/98-play.conf, content: "net.ipv4.ip_forward = 1\\n" }
    - ansible.builtin.copy: { dest: /etc/play.conf, content: "a small file\\n" }
    - ansible.builtin.command: { cmd: "true" }
      changed_when: false
    - ansible.builtin.command: { cmd: uname -r }
      changed_when: false
`;

/** Makes a host the one that Ansible runs on, and plays once: what there is to change is changed then. */
export async function setUpAnsible(lab: Lab, control: string, names: readonly string[]): Promise<void> {
  await lab.copyTo(control, lab.identityFile, '/root/.ssh/id_ed25519', 0o600);
  await lab.copyTo(control, lab.knownHostsFile, '/root/.ssh/known_hosts', 0o600);
  const hosts = names.map((name) => lineOf(name, lab.host(name).address)).join('');
  const files = { 'ansible.cfg': settings, hosts, 'play.yaml': playbook };
  for (const [name, stdin] of Object.entries(files)) {
    const { code, stderr } = await lab.exec(control, `mkdir -p ${folder}; cat >${folder}/${name}`, { stdin });
    if (code !== 0) throw new Error(`cannot write ${name} on ${control}: ${stderr}`);
  }
  await play(lab, control);
}

/** With its interpreter, so that none has to be looked for. */
function lineOf(name: string, address: string): string {
  return `${name} ansible_host=${address} ansible_python_interpreter=/usr/bin/python3\n`;
}

/** Plays on hosts where nothing is left to change. */
export async function playAgain(lab: Lab, control: string, hosts: number): Promise<void> {
  const recap = await play(lab, control);
  const unchanged = recap.match(/ok=6 +changed=0 +unreachable=0 +failed=0/g) ?? [];
  if (unchanged.length !== hosts) throw new Error(`ansible-playbook changed something:\n${recap.slice(-3000)}`);
}

async function play(lab: Lab, control: string): Promise<string> {
  const command = `cd ${folder} && ansible-playbook play.yaml`;
  const { code, stdout, stderr } = await lab.exec(control, command, { timeoutSeconds: 300 });
  if (code !== 0) throw new Error(`ansible-playbook failed:\n${stdout.slice(-3000)}${stderr}`);
  return stdout;
}
