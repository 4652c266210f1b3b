// A load balancer in front of a control plane: the API through it, health checks, and a configuration nobody loses.
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '../lab/lab.ts';
import { output } from './observe.ts';
import { clusterConfig, eventually, kbinit, over, testLab, type KbinitResult } from './support.ts';
import { installPackages, offerPackages } from './support/debs.ts';

let lab: Lab;
let endpoint: string;
const config = '/etc/haproxy/haproxy.cfg';

const apply = (host: string, ...flags: readonly string[]): Promise<KbinitResult> =>
  kbinit(['lb', 'apply', ...over(lab, host), ...flags]);
const backend = (...names: readonly string[]): readonly string[] =>
  names.flatMap((name) => ['--backend', `${name}=${lab.host(name).address}`]);

/** What would change if haproxy had been touched: its file, its processes' start. */
const traces = (): Promise<string> =>
  output(
    lab,
    'lb',
    `stat -c '%i %Y %a' ${config}; sha256sum ${config}; pgrep -x haproxy | xargs ps -o pid=,lstart= -p`,
  );

beforeAll(async () => {
  lab = await testLab('lb', 62);
  await lab.up(['master1', 'lb', 'lb2']);
  await lab.recreate(['master1', 'lb', 'lb2']);
  endpoint = `${lab.host('lb').address}:6443`;
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

describe('lb apply', () => {
  test('installs haproxy from the packages of the host where it is missing', async () => {
    await output(lab, 'lb', 'dpkg --purge --force-depends haproxy >/dev/null 2>&1; command -v haproxy || true');
    const refused = await apply('lb', ...backend('master1'));
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('KB_PACKAGE');
    await offerPackages(lab, 'lb', ['haproxy']);
    const done = await apply('lb', ...backend('master1'));
    expect(done.code, done.stderr).toBe(0);
    expect(done.stdout).toBe(`control-plane endpoint: ${endpoint}\n`);
    expect(await output(lab, 'lb', 'systemctl is-active haproxy; systemctl is-enabled haproxy')).toBe(
      'active\nenabled\n',
    );
  });

  test('a second run changes nothing and says so', async () => {
    const before = await traces();
    const again = await apply('lb', ...backend('master1'));
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr).toContain('no changes');
    expect(await traces()).toBe(before);
  });

  test('a dry run shows the new configuration and changes nothing', async () => {
    const before = await traces();
    const planned = await apply('lb', ...backend('master1'), '--backend', 'master2=10.61.62.30', '--dry-run');
    expect(planned.code, planned.stderr).toBe(0);
    expect(planned.stdout).toContain('server master2 10.61.62.30:6443 check');
    expect(planned.stdout).toContain('reload haproxy');
    expect(await traces()).toBe(before);
  });

  test.each([
    [[], 'no API server is named'],
    [['--backend', 'a=10.0.0.1', '--backend', 'a=10.0.0.2'], 'names two API servers'],
    [['--backend', '10.0.0.1:70000'], 'is not [NAME=]ADDRESS[:PORT]'],
    [['--backend', '10.0.0.1', '--port', '0'], '--port'],
  ])('%j is refused before the host is asked', async (flags, said) => {
    const refused = await kbinit(['lb', 'apply', '--host', 'root@192.0.2.1', ...flags]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('KB_CONFIG');
    expect(refused.stderr).toContain(said);
  });

  test('a configuration that haproxy refuses never gets into its place', async () => {
    const before = await traces();
    // haproxy drops its rights to this user: without it no configuration of ours is good.
    await output(lab, 'lb', "sed -i 's/^haproxy:/haproxy-away:/' /etc/passwd");
    const refused = await apply('lb', ...backend('master1'), '--backend', 'master2=10.61.62.30');
    await output(lab, 'lb', "sed -i 's/^haproxy-away:/haproxy:/' /etc/passwd");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('KB_LB_CONFIG');
    expect(refused.stderr).toMatch(/cannot find user id for 'haproxy'/);
    expect(await traces()).toBe(before);
  });

  test('a configuration that does not come up is taken back', async () => {
    const before = await output(lab, 'lb', `sha256sum ${config}`);
    // Judged as good, and then there is somebody else on the port.
    await output(lab, 'lb', 'systemd-run -q --unit squatter nc -lk 7443; sleep 0.3');
    const refused = await apply(
      'lb',
      ...backend('master1'),
      '--port',
      '7443',
      '--ignore-preflight-errors',
      'Port-7443',
    );
    await output(lab, 'lb', 'systemctl stop squatter');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('KB_LB_START');
    expect(await output(lab, 'lb', `sha256sum ${config}; ls /run | grep -c 'kbinit[.-]' || true`)).toBe(`${before}0\n`);
    await eventually('haproxy to listen again', 10, async () => (await listens(endpoint)) || undefined);
  });

  test('a port that somebody else has is refused', async () => {
    await output(lab, 'lb', 'systemd-run -q --unit squatter nc -lk 7443; sleep 0.3');
    const refused = await apply('lb', ...backend('master1'), '--port', '7443');
    await output(lab, 'lb', 'systemctl stop squatter');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/Port-7443[\s\S]*in use by (?:nc|nc\.openbsd)/);
  });

  test("somebody's own configuration is kept, unless it is forced away: then beside the new one", async () => {
    await output(lab, 'lb2', `printf 'global\\n    # mine\\n' >${config}`);
    const refused = await apply('lb2', ...backend('master1'));
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('KB_LB_FOREIGN');
    expect(await output(lab, 'lb2', `cat ${config}`)).toBe('global\n    # mine\n');
    const forced = await apply('lb2', ...backend('master1'), '--force');
    expect(forced.code, forced.stderr).toBe(0);
    expect(await output(lab, 'lb2', `cat ${config}.2*Z`)).toBe('global\n    # mine\n');
    await output(lab, 'lb2', `sed -i 's/retries 2/retries 9/' ${config}`);
    const edited = await apply('lb2', ...backend('master1'));
    expect(edited.code).toBe(1);
    expect(edited.stderr).toContain('edited by hand');
  });
});

describe('the API through the load balancer', () => {
  let init: KbinitResult;

  beforeAll(async () => {
    const path = await clusterConfig({ cluster: `controlPlaneEndpoint: ${endpoint}\n` });
    init = await kbinit(['init', ...over(lab, 'master1'), '--config', path, '--cni', 'flannel']);
  });

  test('init with its address as the endpoint ends well, and kubectl goes through it', async () => {
    expect(init.code, init.stderr).toBe(0);
    expect(init.stdout).toContain(`kbinit join ${endpoint}`);
    await eventually('haproxy to send connections on', 20, async () => {
      const { stdout } = await lab.kubectl(['--server', `https://${endpoint}`, 'get', '--raw', '/readyz']);
      return stdout === 'ok';
    });
    expect((await lab.kubectl(['cluster-info'])).stdout).toContain(`https://${endpoint}`);
  });

  test('a reload keeps a connection that is open', async () => {
    const socket = connectTls({ host: lab.host('lb').address, port: 6443, rejectUnauthorized: false });
    await new Promise((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
    });
    const done = await apply('lb', ...backend('master1'), '--backend', 'later=10.61.62.31');
    expect(done.code, done.stderr).toBe(0);
    socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
    const answer = await new Promise<string>((resolve, reject) => {
      socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1')));
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('the connection was closed')));
    });
    socket.destroy();
    expect(answer).toContain('200 OK');
  });

  test('an API server that is not ready gets no connections, and gets them again when it is', async () => {
    // From here on: before init it was out as well, and said so.
    const cursor = (await output(lab, 'lb', 'journalctl -u haproxy -n 1 -o json | jq -r .__CURSOR')).trim();
    const isSaid = async (what: string): Promise<boolean> =>
      (await output(lab, 'lb', `journalctl -u haproxy --after-cursor='${cursor}' --no-pager -o cat`)).includes(what);
    await output(lab, 'master1', 'mv /etc/kubernetes/manifests/etcd.yaml /root/');
    await eventually('haproxy to take the server out', 60, () => isSaid('Server kubernetes-api/master1 is DOWN'));
    const through = await lab.kubectl(['--server', `https://${endpoint}`, 'get', '--raw', '/livez/ping']);
    expect(through.code).not.toBe(0);
    // The server itself still answers what needs no etcd: it is the balancer that sends nobody there.
    const direct = `https://${lab.host('master1').address}:6443`;
    expect((await lab.kubectl(['--server', direct, 'get', '--raw', '/livez/ping'])).stdout).toBe('ok');
    await output(lab, 'master1', 'mv /root/etcd.yaml /etc/kubernetes/manifests/');
    // A server that ended for want of etcd is started again after a back-off of the kubelet's: up to 80 s by its fourth time.
    await eventually('haproxy to take it in again', 240, () => isSaid('Server kubernetes-api/master1 is UP'));
    expect((await lab.kubectl(['--server', `https://${endpoint}`, 'get', '--raw', '/livez/ping'])).stdout).toBe('ok');
  });
});

describe('an address that two balancers share', () => {
  const vip = '10.61.62.40';

  beforeAll(async () => {
    for (const host of ['lb', 'lb2']) await installPackages(lab, host, ['keepalived']);
    await output(lab, 'lb2', `rm -f ${config}*`);
  });

  const share = (host: string, peer: string, priority: string): Promise<KbinitResult> =>
    apply(
      host,
      ...backend('master1'),
      '--vip',
      vip,
      '--interface',
      'eth0',
      '--peer',
      lab.host(peer).address,
      '--priority',
      priority,
    );
  const has = async (host: string): Promise<boolean> => (await output(lab, host, 'ip -o addr')).includes(` ${vip}/`);

  test('is on the one with the higher priority, and the API answers there', async () => {
    for (const done of [await share('lb', 'lb2', '101'), await share('lb2', 'lb', '100')]) {
      expect(done.code, done.stderr).toBe(0);
      expect(done.stdout).toBe(`control-plane endpoint: ${vip}:6443\n`);
    }
    await eventually('lb to have the address', 20, async () => (await has('lb')) && !(await has('lb2')));
    await eventually('the API server behind it', 20, async () => (await listens(`${vip}:6443`)) || undefined);
  });

  test('a second run changes nothing', async () => {
    const again = await share('lb2', 'lb', '100');
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr).toContain('no changes');
  });

  test('moves when haproxy stops, and comes back with it', async () => {
    await output(lab, 'lb', 'systemctl stop haproxy');
    await eventually('lb2 to have the address', 20, async () => (await has('lb2')) && !(await has('lb')));
    expect(await listens(`${vip}:6443`)).toBe(true);
    await output(lab, 'lb', 'systemctl start haproxy');
    await eventually('lb to have it again', 20, async () => (await has('lb')) && !(await has('lb2')));
  });
});

/** Whether somebody accepts connections there. */
function listens(where: string): Promise<boolean> {
  const [host = '', port = ''] = where.split(':');
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), timeout: 2000 });
    const end = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });
}
