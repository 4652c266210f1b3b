// Hosts that are not as they should be: each fault gets a sentence to act on, and the way it names works.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Lab } from '../lab/lab.ts';
import { output } from './observe.ts';
import { clusterConfig, eventually, kbinit, over, testLab, type KbinitResult } from './support.ts';
import { folderOfPrograms } from './support/prepared.ts';

let lab: Lab;

const run = (...args: readonly string[]): Promise<KbinitResult> => kbinit([...args, ...over(lab, 'master1')]);

beforeAll(async () => {
  lab = await testLab('faults', 46);
  await lab.up(['master1']);
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

describe('before anything is changed', () => {
  let config: string;

  beforeAll(async () => {
    await lab.recreate(['master1']);
    config = await clusterConfig();
  });

  const untouched = async (): Promise<void> => {
    expect(await output(lab, 'master1', 'find /etc/kubernetes /var/lib/kbinit -type f 2>/dev/null; true')).toBe('');
  };

  test('a port that somebody holds is named with its holder', async () => {
    await output(
      lab,
      'master1',
      'systemd-run --collect --unit=squatter socat TCP-LISTEN:6443,fork,reuseaddr EXEC:true',
    );
    const refused = await run('init', '--config', config);
    await output(lab, 'master1', 'systemctl stop squatter');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/KB_PREFLIGHT\s+Port-6443/);
    expect(refused.stderr).toContain('socat');
    await untouched();
  });

  test('a manifest of somebody else is not overwritten', async () => {
    const foreign = 'apiVersion: v1\nkind: Pod\nmetadata: {name: kube-apiserver}\nspec: {containers: []}\n';
    await lab.exec(
      'master1',
      'mkdir -p /etc/kubernetes/manifests; cat > /etc/kubernetes/manifests/kube-apiserver.yaml',
      {
        stdin: foreign,
      },
    );
    const refused = await run('init', '--config', config);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/KB_OTHER_SPEC|FileAvailable--etc-kubernetes-manifests-kube-apiserver.yaml/);
    expect(await output(lab, 'master1', 'cat /etc/kubernetes/manifests/*; rm -r /etc/kubernetes')).toBe(foreign);
  });

  test('a container runtime that does not answer is a finding of its own', async () => {
    await output(lab, 'master1', 'systemctl stop containerd');
    const refused = await run('init', '--config', config);
    await output(lab, 'master1', 'systemctl start containerd');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/KB_PREFLIGHT\s+CRI/);
    await untouched();
  });

  test('cgroup v1 is refused for a kubelet that would not start on it, and only told when the config allows it', async () => {
    const text = await readFile(config, 'utf8');
    const strict = await clusterConfig();
    await writeFile(strict, text.replace('failCgroupV1: false', 'failCgroupV1: true'));
    const refused = await run('init', 'phase', 'preflight', '--config', strict);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/KB_PREFLIGHT\s+SystemVerification/);
    expect(refused.stderr).toContain('failCgroupV1');
    const told = await run('init', 'phase', 'preflight', '--config', config);
    expect(told.code, told.stderr).toBe(0);
    expect(told.stderr).toContain('warning SystemVerification');
  });

  test('a check can be ignored by its name', async () => {
    await output(
      lab,
      'master1',
      'systemd-run --collect --unit=squatter socat TCP-LISTEN:10259,fork,reuseaddr EXEC:true',
    );
    const told = await run('init', 'phase', 'preflight', '--config', config, '--ignore-preflight-errors=port-10259');
    await output(lab, 'master1', 'systemctl stop squatter');
    expect(told.code, told.stderr).toBe(0);
    expect(told.stderr).toContain('warning Port-10259');
  });
});

describe('while files are written', () => {
  let config: string;

  beforeEach(async () => {
    await lab.recreate(['master1']);
    config = await clusterConfig();
  });

  test('a full disk leaves every file as it was, nothing half written, and a run after it goes on, whenever it is full (R19)', async () => {
    const phases = [
      ['certs', 'all'],
      ['kubeconfig', 'all'],
      ['control-plane', 'all'],
      ['etcd', 'local'],
    ] as const;
    // Small keys, so that each file takes one page.
    config = await clusterConfig({ cluster: 'encryptionAlgorithm: ECDSA-P256\n' });
    const odd = `find /etc/kubernetes -type f \\( -size 0 -o -name '.*' \\)`;
    const files = 'find /etc/kubernetes -type f -exec sha256sum {} +';
    const ended = new Set<string>();
    // Thirty-one pages of four: the smallest has no room for the first pair, the largest none for the last manifest.
    for (const kilobytes of [4, 16, 40, 64, 88, 96, 104, 112, 120]) {
      const size = `size=${kilobytes}k`;
      await output(lab, 'master1', `mkdir -p /etc/kubernetes && mount -t tmpfs -o ${size} tmpfs /etc/kubernetes`);
      let failed: KbinitResult | undefined;
      for (const phase of phases) {
        const before = (await output(lab, 'master1', files)).split('\n');
        const result = await run('init', 'phase', ...phase, '--config', config);
        if (result.code === 0) continue;
        failed = result;
        ended.add(phase[0]);
        const after = (await output(lab, 'master1', files)).split('\n');
        expect(after).toEqual(expect.arrayContaining(before));
        break;
      }
      expect(failed?.code, size).toBe(1);
      expect(failed?.stderr, size).toContain('KB_DISK_FULL');
      expect(await output(lab, 'master1', odd), size).toBe('');
      await output(lab, 'master1', 'mount -o remount,size=1m /etc/kubernetes');
      for (const phase of phases) {
        const again = await run('init', 'phase', ...phase, '--config', config);
        expect(again.code, again.stderr).toBe(0);
      }
      const verify = 'openssl verify -CAfile /etc/kubernetes/pki/ca.crt /etc/kubernetes/pki/apiserver.crt';
      expect(await output(lab, 'master1', verify)).toContain('OK');
      await output(lab, 'master1', 'umount /etc/kubernetes; rm -rf /var/lib/kbinit');
    }
    // Not each at the same place.
    expect(ended.size).toBeGreaterThan(2);
  });

  test("a full disk under the kubelet's files is told as that, and a run after it goes on (R19)", async () => {
    for (const phase of [
      ['certs', 'all'],
      ['kubeconfig', 'kubelet'],
    ]) {
      expect((await run('init', 'phase', ...phase, '--config', config)).code).toBe(0);
    }
    await output(lab, 'master1', 'mount -t tmpfs -o size=8k tmpfs /var/lib/kubelet');
    const failed = await run('init', 'phase', 'kubelet-start', '--config', config);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/KB_DISK_FULL[\s\S]*\/var\/lib\/kubelet/);
    expect(await output(lab, 'master1', "find /var/lib/kubelet -type f \\( -size 0 -o -name '.*' \\)")).toBe('');
    await output(lab, 'master1', 'mount -o remount,size=50m /var/lib/kubelet');
    const again = await run('init', 'phase', 'kubelet-start', '--config', config);
    expect(again.code, again.stderr).toBe(0);
    await output(lab, 'master1', 'systemctl stop kubelet');
  });

  test('a read-only file system is named', async () => {
    await output(
      lab,
      'master1',
      'mkdir -p /etc/kubernetes && mount -t tmpfs tmpfs /etc/kubernetes && mount -o remount,ro /etc/kubernetes',
    );
    const failed = await run('init', 'phase', 'certs', 'all', '--config', config);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/KB_WRITE[\s\S]*[Rr]ead-only/);
  });

  test('a full disk under programs that are uploaded leaves the old ones, and a run after it goes on (R19)', async () => {
    const programs = ['--binaries', await folderOfPrograms()];
    const tmpfs = 'mount -t tmpfs -o size=40m tmpfs /usr/local/bin';
    await output(
      lab,
      'master1',
      `${tmpfs}; printf '#!/bin/sh\necho old\n' | tee /usr/local/bin/kubelet >/usr/local/bin/runc`,
    );
    const listing = 'cd /usr/local/bin && find . -type f ! -size 0 -exec sha256sum {} +; find . -type f -size 0';
    const before = await output(lab, 'master1', listing);
    const seen = await run('host', 'prepare', '--dry-run', ...programs);
    expect(seen.code).toBe(1);
    expect(seen.stderr).toMatch(/KB_DISK_FULL[\s\S]*\/usr\/local\/bin has \d\d MiB free; nothing was changed/);
    const failed = await run('host', 'prepare', 'phase', 'binaries', ...programs);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('KB_DISK_FULL');
    const left = (await output(lab, 'master1', listing)).split('\n');
    // What came before the disk was full is whole; kubelet and runc are the old ones or the new ones, and nothing is half.
    const lock = await readFile(join(programs[1] ?? '', 'SHA256SUMS'), 'utf8');
    const whole = (line: string): boolean => before.includes(line) || lock.includes(line.slice(0, 64));
    expect(left.filter((line) => line !== '' && !whole(line))).toEqual([]);
    expect(left.filter((line) => line !== '' && before.includes(line)).length).toBeGreaterThan(0);
    await output(lab, 'master1', 'mount -o remount,size=2g /usr/local/bin');
    const again = await run('host', 'prepare', 'phase', 'binaries', ...programs);
    expect(again.code, again.stderr).toBe(0);
    expect(await output(lab, 'master1', 'stat -c %a /usr/local/bin/kubelet /usr/local/bin/runc')).toBe('755\n755\n');
    await output(lab, 'master1', 'systemctl stop containerd; umount -l /usr/local/bin; systemctl start containerd');
  });

  test('nothing is run from or written to /tmp, and no home folder is needed (R26)', async () => {
    const { address } = lab.host('master1');
    // Read-only is more than noexec and fs.protected_regular=2 ask for; root's own home is as read-only.
    const locked = `mount -t tmpfs -o ro,noexec tmpfs /tmp; mount --bind /root /root; mount -o remount,bind,ro /root
useradd -d /nonexistent -s /bin/sh homeless; install -D -m 644 /root/.ssh/authorized_keys /etc/ssh/keys/homeless
echo 'homeless ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/homeless
echo 'AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/keys/%u' >/etc/ssh/sshd_config.d/keys.conf; systemctl reload ssh`;
    await output(lab, 'master1', locked);
    const programs = ['--binaries', await folderOfPrograms()];
    for (const user of ['root', 'homeless']) {
      const as = over(lab, 'master1').map((word) => (word === `root@${address}` ? `${user}@${address}` : word));
      const runs = [
        ['host', 'prepare', '--dry-run', ...programs],
        ...(user === 'homeless' ? [['host', 'prepare', 'phase', 'binaries', ...programs]] : []),
        ['init', 'phase', 'preflight', '--config', config],
        ['init', 'phase', 'certs', 'all', '--config', config],
        ['init', 'phase', 'kubeconfig', 'all', '--config', config],
      ];
      for (const args of runs) {
        const done = await kbinit([...args, ...as]);
        expect(done.code, `${user}: ${args.slice(0, 3).join(' ')}: ${done.stderr}`).toBe(0);
      }
      await output(lab, 'master1', 'rm -rf /etc/kubernetes /var/lib/kbinit /usr/local/bin/*');
    }
    await output(lab, 'master1', 'umount -l /tmp /root');
  });

  test('a planted symlink is not followed', async () => {
    await output(
      lab,
      'master1',
      'echo precious > /root/target && mkdir -p /etc/kubernetes/manifests && ln -s /root/target /etc/kubernetes/manifests/etcd.yaml',
    );
    const failed = await run('init', 'phase', 'etcd', 'local', '--config', config);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('KB_SYMLINK');
    expect(await output(lab, 'master1', 'cat /root/target')).toBe('precious\n');
  });

  test('modes and owners are those of kubeadm', async () => {
    // The lab's kubelet package brings an empty manifests folder.
    await output(lab, 'master1', 'rm -rf /etc/kubernetes');
    const phases = [
      ['certs', 'all'],
      ['kubeconfig', 'all'],
      ['control-plane', 'all'],
      ['etcd', 'local'],
    ] as const;
    for (const phase of phases) {
      const done = await run('init', 'phase', ...phase, '--config', config);
      expect(done.code, done.stderr).toBe(0);
    }
    const tree = await output(
      lab,
      'master1',
      `cd / && find etc/kubernetes var/lib/etcd -printf '%M %u:%g %y %p\\n' | LC_ALL=C sort -k4`,
    );
    const golden = await readFile(new URL('../golden/v1.36.3/default/tree.txt', import.meta.url), 'utf8');
    const wanted = golden.split('\n').filter((line) => line !== '' && !line.includes('var/lib/kubelet'));
    expect(tree.trim().split('\n').toSorted()).toEqual(wanted.toSorted());
  });

  test('each file is made beside its place, closed to others, flushed, and put in its place in one step', async () => {
    const calls = 'clone,clone3,fork,vfork,openat,umask,write,fsync,rename,renameat2,unlinkat,copy_file_range';
    const strace = `strace -f -y -qq -s 100 -e trace=${calls} -o /root/trace -p "$(pgrep -o -x sshd)"`;
    await output(lab, 'master1', `rm -rf /etc/kubernetes; systemd-run -q --unit=recorder ${strace}`);
    await output(
      lab,
      'master1',
      'until grep -q "TracerPid:.[1-9]" "/proc/$(pgrep -o -x sshd)/status"; do sleep 0.1; done',
    );
    for (const phase of ['certs', 'kubeconfig', 'control-plane', 'etcd']) {
      const done = await run('init', 'phase', phase, phase === 'etcd' ? 'local' : 'all', '--config', config);
      expect(done.code, done.stderr).toBe(0);
    }
    await output(lab, 'master1', 'systemctl stop recorder');
    const trace = (await output(lab, 'master1', 'cat /root/trace')).split('\n');
    const files = (await output(lab, 'master1', 'find /etc/kubernetes -type f')).trim().split('\n');
    expect(files.length).toBe(31);
    for (const file of files) expectAtomic(trace, file);
  });

  /** open (exclusive, 0600) → write → fsync → rename → fsync of the folder; the target itself is never opened to write. */
  function expectAtomic(trace: readonly string[], file: string): void {
    const folder = file.slice(0, file.lastIndexOf('/'));
    const temporary = `${folder}/.${file.slice(folder.length + 1)}.kbinit`;
    const at = (what: string, pattern: RegExp | string, from = 0): number => {
      const found = trace.findIndex(
        (line, index) => index >= from && (typeof pattern === 'string' ? line.includes(pattern) : pattern.test(line)),
      );
      expect(found, `${file}: ${what}`).toBeGreaterThanOrEqual(from);
      return found;
    };
    const opened = at('exclusive open', `"${temporary}", O_WRONLY|O_CREAT|O_EXCL`);
    expect(maskAt(trace, opened), `${file}: the mode that it is made with`).toBe('077');
    const written = at('write', new RegExp(`write\\(\\d+<${escaped(temporary)}>`), opened);
    const flushed = at('fsync', new RegExp(`fsync\\(\\d+<${escaped(temporary)}>`), written);
    const placed = at('rename', new RegExp(`rename\\w*\\(.*"${escaped(temporary)}".*"${escaped(file)}"`), flushed);
    at('fsync of the folder', new RegExp(`fsync\\(\\d+<${escaped(folder)}>`), placed);
    expect(trace.filter((line) => line.includes(`"${file}", O_WRONLY`) || line.includes(`"${file}", O_RDWR`))).toEqual(
      [],
    );
  }

  /** The umask of the process of a line: the last that it set, or that its parent had. */
  function maskAt(trace: readonly string[], index: number): string | undefined {
    for (let pid = /^\d+/.exec(trace[index] ?? '')?.[0]; pid !== undefined; pid = parentOf(trace, pid)) {
      const own = trace.slice(0, index).findLast((line) => line.startsWith(`${pid} `) && / umask\(/.test(line));
      if (own !== undefined) return / umask\((\d+)/.exec(own)?.[1];
    }
    return undefined;
  }

  function parentOf(trace: readonly string[], pid: string): string | undefined {
    const birth = trace.find((line) => /clone|fork/.test(line) && line.endsWith(` = ${pid}`));
    return birth === undefined ? undefined : /^\d+/.exec(birth)?.[0];
  }

  function escaped(text: string): string {
    return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  }

  test('an existing key that others can read is closed, not kept open', async () => {
    await run('init', 'phase', 'certs', 'all', '--config', config);
    await output(lab, 'master1', 'chmod 0644 /etc/kubernetes/pki/ca.key');
    const again = await run('init', 'phase', 'certs', 'all', '--config', config);
    expect(again.code, again.stderr).toBe(0);
    expect(await output(lab, 'master1', 'stat -c %a /etc/kubernetes/pki/ca.key')).toBe('600\n');
  });
});

describe('a host that is a container with systemd-resolved', () => {
  let init: KbinitResult;

  /** What systemd-resolved does to a host, without its program: the servers are in its own file, the usual one names a stub. */
  const resolved = `set -e; mkdir -p /run/systemd/resolve; cp /etc/resolv.conf /run/systemd/resolve/resolv.conf
printf '[Service]\nExecStart=/bin/sleep infinity\n' >/run/systemd/system/systemd-resolved.service
systemctl unmask -q systemd-resolved; systemctl daemon-reload; systemctl start systemd-resolved
echo 'nameserver 127.0.0.53' >/run/stub-resolv.conf; mount --bind /run/stub-resolv.conf /etc/resolv.conf`;

  beforeAll(async () => {
    await lab.recreate(['master1']);
    await output(lab, 'master1', resolved);
    const config = await clusterConfig();
    const text = await readFile(config, 'utf8');
    // The lab's own words about connection tracking, which its kernel does not let anybody change.
    await writeFile(config, text.replace(/^conntrack:\n(?: .*\n)+/m, ''));
    expect(await readFile(config, 'utf8')).not.toContain('conntrack');
    init = await run('init', '--config', config, '--cni', 'flannel');
    expect(init.code, init.stderr).toBe(0);
  });

  /** `READY STATUS RESTARTS` of the Pods with this label. */
  const pods = async (label: string): Promise<readonly string[]> => {
    const { stdout } = await lab.kubectl(['-n', 'kube-system', 'get', 'pods', '-l', label, '--no-headers']);
    return stdout
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/).slice(1, 4).join(' '));
  };

  test('kube-proxy runs, because its limits of connection tracking are left alone, and that is told (R29)', async () => {
    expect(init.stderr).toMatch(/warning kube-proxy gets conntrack\.maxPerCore: 0/);
    const { stdout } = await lab.kubectl(['-n', 'kube-system', 'get', 'configmap', 'kube-proxy', '-o', 'yaml']);
    expect(stdout).toContain('maxPerCore: 0');
    await eventually('kube-proxy', 60, async () => (await pods('k8s-app=kube-proxy')).join() === '1/1 Running 0');
  });

  test('CoreDNS runs and does not ask itself: Pods get the servers and not the stub (R16)', async () => {
    const config = await output(lab, 'master1', 'cat /var/lib/kubelet/config.yaml');
    expect(config).toContain('resolvConf: /run/systemd/resolve/resolv.conf');
    const ready = '1/1 Running 0,1/1 Running 0';
    await eventually('CoreDNS', 90, async () => (await pods('k8s-app=kube-dns')).join() === ready);
    // Its check for a loop ends it within the first seconds.
    await new Promise((resolve) => setTimeout(resolve, 30_000));
    expect((await pods('k8s-app=kube-dns')).join()).toBe(ready);
    expect((await pods('k8s-app=kube-proxy')).join()).toBe('1/1 Running 0');
  });

  test('no static Pod was started again: the kubelet and the runtime have one cgroup driver (R22)', async () => {
    expect(await pods('tier=control-plane')).toEqual(Array(4).fill('1/1 Running 0'));
  });
});

describe('a control plane that does not come up', () => {
  beforeEach(async () => {
    await lab.recreate(['master1']);
  });

  const impatient = 'timeouts: {controlPlaneComponentHealthCheck: 12s, kubeletHealthCheck: 12s}\n';

  /** The way that the failure names: correct the cause, run the same command. */
  const goOn = async (config: string): Promise<void> => {
    const again = await run('init', '--config', config);
    expect(again.code, again.stderr).toBe(0);
    expect((await lab.kubectl(['get', '--raw', '/readyz'])).stdout).toBe('ok');
  };

  test('for an image that is not there: the image is named, and the corrected config goes on', async () => {
    const config = await clusterConfig({
      init: `${impatient}nodeRegistration: {imagePullPolicy: Never}\n`,
      cluster: 'etcd: {local: {imageTag: no-such-tag}}\n',
    });
    const failed = await run('init', '--config', config);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/KB_COMPONENT_NOT_HEALTHY|KB_PREFLIGHT\s+ImagePull/);
    expect(failed.stderr).toContain('no-such-tag');
    expect(failed.stderr).toContain('continue with: kbinit init');
    // Who stops waiting is told the same.
    const patient = await clusterConfig({
      init: 'timeouts: {controlPlaneComponentHealthCheck: 240s}\nnodeRegistration: {imagePullPolicy: Never}\n',
      cluster: 'etcd: {local: {imageTag: no-such-tag}}\n',
    });
    const late = await run('init', '--config', patient, '--deadline', '12s');
    expect(late.code, late.stderr).toBe(1);
    expect(late.stderr).toMatch(/KB_DEADLINE[\s\S]*etcd did not come up[\s\S]*no-such-tag/);
    const stopped = await kbinit(['init', '--config', patient, ...over(lab, 'master1')], {
      onStart: (child) => void setTimeout(() => child.kill('SIGINT'), 12_000),
    });
    expect(stopped.code, stopped.stderr).toBe(130);
    expect(stopped.stderr).toMatch(/KB_INTERRUPTED[\s\S]*etcd did not come up[\s\S]*no-such-tag/);
    await goOn(await clusterConfig());
  });

  test('for a flag that kube-apiserver does not know: the flag is the evidence', async () => {
    const config = await clusterConfig({
      init: impatient,
      cluster: 'apiServer: {extraArgs: [{name: no-such-flag, value: "1"}]}\n',
    });
    const failed = await run('init', '--config', config);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('KB_COMPONENT_NOT_HEALTHY');
    expect(failed.stderr).toContain('no-such-flag');
    expect(failed.stderr).toMatch(/does not know the flag/);
    expect(failed.stderr).toContain('continue with: kbinit init');
    expect(failed.seconds).toBeLessThan(40);
    await goOn(await clusterConfig());
  });

  const patient = 'timeouts: {controlPlaneComponentHealthCheck: 240s}\n';

  test('for a file that kube-apiserver does not find: its own words end the wait, and with the file it comes up at once', async () => {
    const config = await clusterConfig({
      init: patient,
      cluster: `apiServer:
  extraArgs: [{name: encryption-provider-config, value: /etc/kubernetes/enc/enc.yaml}]
  extraVolumes: [{name: enc, hostPath: /etc/kubernetes/enc, mountPath: /etc/kubernetes/enc, readOnly: true}]
`,
    });
    const refused = await run('init', '--config', config);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/KB_PREFLIGHT +HostFiles[\s\S]*\/etc\/kubernetes\/enc\/enc.yaml does not exist/);
    const failed = await run('init', '--config', config, '--ignore-preflight-errors=HostFiles');
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/KB_COMPONENT_NOT_HEALTHY +kube-apiserver did not come up/);
    expect(failed.stderr).toContain('/etc/kubernetes/enc/enc.yaml does not exist on');
    expect(failed.stderr).toContain('error reading encryption provider configuration file');
    expect(failed.seconds).toBeLessThan(60);
    const body = 'resources: [{resources: [secrets], providers: [{identity: {}}]}]';
    await lab.exec('master1', 'cat >/etc/kubernetes/enc/enc.yaml', {
      stdin: `apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n${body}\n`,
    });
    const again = await run('init', '--config', config, '-v', '1');
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr).toMatch(/restarting the kubelet: .*kube-apiserver/);
  });

  test("for etcd's full disk: etcd is named, and with room it comes up", async () => {
    const config = await clusterConfig({ init: patient });
    await output(lab, 'master1', 'mkdir -p /var/lib/etcd && mount -t tmpfs -o size=30m tmpfs /var/lib/etcd');
    const failed = await run('init', '--config', config, '--ignore-preflight-errors=DiskSpace');
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/KB_COMPONENT_NOT_HEALTHY +etcd did not come up/);
    expect(failed.stderr).toMatch(/the file system that etcd writes to is full[\s\S]*no space left on device/);
    expect(failed.seconds).toBeLessThan(90);
    await output(lab, 'master1', 'mount -o remount,size=1g /var/lib/etcd');
    const again = await run('init', '--config', config, '--ignore-preflight-errors=DiskSpace');
    expect(again.code, again.stderr).toBe(0);
    await output(lab, 'master1', 'systemctl stop kubelet; umount -l /var/lib/etcd');
  });

  test('for a value that the kubelet refuses: the field is the evidence', async () => {
    const config = await clusterConfig({ init: impatient });
    const text = await readFile(config, 'utf8');
    await writeFile(config, text.replace('failSwapOn: false', 'failSwapOn: false\ntopologyManagerPolicy: nonsense'));
    const failed = await run('init', '--config', config);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('KB_KUBELET_NOT_HEALTHY');
    expect(failed.stderr).toMatch(/nonsense/);
    await goOn(await clusterConfig());
  });

  test('for a container runtime that stops after preflight: the runtime is named', async () => {
    const config = await clusterConfig({ init: impatient });
    let isStopped = false;
    const failed = await kbinit(['init', '--config', config, ...over(lab, 'master1')], {
      onProgress: (text) => {
        if (isStopped || !/ certs +\d+ files created/.test(text)) return;
        isStopped = true;
        void lab.exec('master1', 'systemctl stop containerd');
      },
    });
    expect(failed.code, failed.stderr).toBe(1);
    expect(failed.stderr).toMatch(/KB_(KUBELET|COMPONENT)_NOT_HEALTHY/);
    expect(failed.stderr).toContain('the kubelet cannot talk to the container runtime');
    expect(failed.stderr).toContain('systemctl start containerd');
    await output(lab, 'master1', 'systemctl start containerd');
    await goOn(await clusterConfig());
  });
});
