// The kinds of lab hosts that `host prepare` is tested on: what they have, what they lack, what their repositories hold.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { elReleases, type ElName } from '../lab/el-releases.ts';
import { versions, type Lab } from '../lab/lab.ts';
import { repositoryFolder, repositoryPaths } from '../lab/rpm-repositories.ts';
import { testLab } from './support.ts';

let lab: Lab;

beforeAll(async () => {
  lab = await testLab('kinds', 91, { kind: 'rocky-9' });
  await lab.up(['el9', 'other', { name: 'el7', kind: 'centos-7' }, { name: 'el10', kind: 'centos-stream-10' }]);
  await lab.up([{ name: 'bare', kind: 'bare' }]);
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

async function output(host: string, script: string): Promise<string> {
  const { code, stdout, stderr } = await lab.exec(host, script, { timeoutSeconds: 120 });
  if (code !== 0) throw new Error(`${script} ended with ${code} on ${host}:\n${stdout}${stderr}`);
  return stdout.trim();
}

/** The repositories as an administrator adds them, with their keys. */
function addRepositories(name: ElName): string {
  const at = (path: string): string => `file://${repositoryFolder}/${path}`;
  const text = (id: string, path: string, key: string): string =>
    `[${id}]\nname=${id}\nbaseurl=${at(path)}\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=1\ngpgkey=${at(key)}\n`;
  const { kubernetes, docker, dockerKey } = repositoryPaths;
  return `cat >/etc/yum.repos.d/test.repo <<END
${text('kubernetes', kubernetes, `${kubernetes}/repodata/repomd.xml.key`)}
${text('docker-ce-stable', docker(elReleases[name]), dockerKey)}
END`;
}

describe('a bare host', () => {
  test('has none of the programs of Kubernetes and of what it runs on', async () => {
    const programs = 'kubelet kubectl kubeadm containerd ctr runc crictl python3 curl socat ethtool';
    expect(await output('bare', `for p in ${programs}; do command -v $p || :; done`)).toBe('');
    expect(await output('bare', 'ls -d /etc/cni /etc/kubernetes /opt/cni 2>/dev/null || :')).toBe('');
  });

  test('boots without a failed unit', async () => {
    expect(await output('bare', 'systemctl --failed --no-legend')).toBe('');
  });
});

describe.each([
  { host: 'el7', kind: 'centos-7', id: 'centos', version: '7', manager: 'yum', major: '7' },
  { host: 'el9', kind: 'rocky-9', id: 'rocky', version: '9.6', manager: 'dnf', major: '9' },
  { host: 'el10', kind: 'centos-stream-10', id: 'centos', version: '10', manager: 'dnf', major: '10' },
] as const)('$kind', ({ host, kind, id, version, manager, major }) => {
  test('calls itself by its name, and is not Debian by any sign that is looked for', async () => {
    expect(await output(host, '. /etc/os-release; echo $ID $VERSION_ID')).toBe(`${id} ${version}`);
    expect(await output(host, 'command -v apt-get dpkg || :; ls /etc/debian_version 2>/dev/null || :')).toBe('');
    expect(await output(host, 'rpm -q firewalld chrony')).toContain(`firewalld-1.0-1.el${major}`);
  });

  test('filters, keeps time and boots without a failed unit', async () => {
    expect(await output(host, 'systemctl is-active firewalld chronyd sshd')).toBe('active\nactive\nactive');
    expect(await output(host, 'systemctl --failed --no-legend')).toBe('');
    expect(await output(host, 'firewall-cmd --list-services')).toBe('dhcpv6-client ssh');
  });

  test('installs the pinned version, from signed repositories, and starts nothing by itself', async () => {
    const knownKeys = 'rpm -qa gpg-pubkey | wc -l';
    expect(await output(host, knownKeys)).toBe('1');
    await output(host, addRepositories(kind));
    const wanted = `kubelet-${versions.kubernetes} kubectl-${versions.kubernetes} cri-tools containerd.io`;
    await output(host, `${manager} install -y -q ${wanted}`);
    expect(await output(host, knownKeys)).toBe('2');
    expect(await output(host, 'kubelet --version')).toBe(`Kubernetes v${versions.kubernetes}`);
    expect(await output(host, 'rpm -q kubelet kubernetes-cni container-selinux')).toBe(
      `kubelet-${versions.kubernetes}-150500.1.1.x86_64\nkubernetes-cni-${versions.cni}-150500.1.1.x86_64\n` +
        `container-selinux-2.240.0-1.el${major}.x86_64`,
    );
    expect(await output(host, 'systemctl is-enabled kubelet containerd || :')).toBe('disabled\ndisabled');
    expect(await output(host, 'cat /etc/containerd/config.toml')).toContain('disabled_plugins = ["cri"]');
    await output(host, 'systemctl start containerd');
    await output(host, `${manager} remove -y -q kubelet containerd.io`);
    expect(await output(host, 'systemctl is-active containerd || :; ls /usr/bin/kubelet 2>&1 || :')).toMatch(
      /^inactive\n.*No such file/,
    );
  });
});

test('firewalld really filters between hosts: an open port answers, another does not', async () => {
  const { address } = lab.host('other');
  for (const port of [8080, 8081]) {
    await output('other', `systemd-run -q python3 -m http.server ${port}`);
    await output(
      'other',
      `curl -sS --retry 50 --retry-delay 1 --retry-connrefused -o /dev/null http://${address}:${port}/`,
    );
  }
  await output('other', 'firewall-cmd -q --add-port=8080/tcp');
  expect(await output('el9', `curl -sS -o /dev/null -w '%{http_code}' http://${address}:8080/`)).toBe('200');
  expect((await lab.exec('el9', `curl -sS --max-time 5 http://${address}:8081/`)).code).toBe(7);
});
