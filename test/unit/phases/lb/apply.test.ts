import { describe, expect, test } from 'vitest';
import { haproxyConfig, haproxyPath } from '../../../../src/manifests/haproxy.ts';
import { ownershipOf } from '../../../../src/manifests/own-file.ts';
import { balancerHost } from './balancer-host.ts';

const own = haproxyConfig({
  bind: '*',
  port: 6443,
  backends: [{ name: 'master1', address: '192.168.3.29', port: 6443 }],
});
const older = haproxyConfig({ bind: '*', port: 6443, backends: [{ name: 'm0', address: '10.0.0.1', port: 6443 }] });

describe('lb apply', () => {
  test('installs haproxy, writes its configuration, enables and starts it', async () => {
    const lb = balancerHost({ programs: ['apt-get'] });
    await lb.apply();
    expect(lb.host.files.get(haproxyPath)).toBe(own);
    expect(lb.changes().map((command) => /apt-get install|systemctl \w+ haproxy/.exec(command)?.[0])).toEqual([
      'apt-get install',
      'systemctl enable haproxy',
      'systemctl restart haproxy',
    ]);
  });

  test('changes nothing the second time', async () => {
    const lb = balancerHost({ config: own, isActive: true, isEnabled: true, listener: 'haproxy' });
    await lb.apply();
    expect(lb.changes()).toEqual([]);
    expect(lb.host.files.get(haproxyPath)).toBe(own);
  });

  test('reloads a service that runs, so that no connection is lost', async () => {
    const lb = balancerHost({ config: older, isActive: true, isEnabled: true, listener: 'haproxy' });
    await lb.apply();
    expect(lb.changes()).toEqual(['systemctl reload haproxy']);
    expect(lb.host.files.get(haproxyPath)).toBe(own);
  });

  test('starts a service that somebody stopped although the file is as it should be', async () => {
    const lb = balancerHost({ config: own, isActive: false, isEnabled: true });
    await lb.apply();
    expect(lb.changes()).toEqual(['systemctl restart haproxy']);
  });

  test('has the configuration judged with the wanted text before it is written', async () => {
    const lb = balancerHost({ config: older, isActive: true, complaint: "[ALERT] unknown keyword 'init-addr'\n" });
    await expect(lb.apply()).rejects.toThrow(/KB_LB_CONFIG[\s\S]*init-addr[\s\S]*not touched/);
    expect(lb.host.files.get(haproxyPath)).toBe(older);
    expect(lb.host.ran.find(({ command }) => command.includes('candidate'))?.stdin).toBe(own);
    expect(lb.changes()).toEqual([]);
  });

  test('puts the old file back when the service does not take the new one', async () => {
    const lb = balancerHost({ config: older, isActive: true, isEnabled: true, listener: 'haproxy', failsToLoad: true });
    await expect(lb.apply()).rejects.toThrow(/KB_LB_START.*Job for haproxy.service failed.*as it was before/);
    expect(lb.host.files.get(haproxyPath)).toBe(older);
    expect(lb.changes()).toEqual(['systemctl reload haproxy', 'systemctl reload-or-restart haproxy']);
  });

  test('removes the file again when there was none before, and shows what the service said', async () => {
    const lb = balancerHost({ failsToLoad: true });
    const failure = await lb.apply().catch((error: unknown) => error);
    expect(failure).toMatchObject({ problems: [{ code: 'KB_LB_START', evidence: ['cannot bind socket'] }] });
    expect([...lb.host.files.keys()]).toEqual([]);
    expect(lb.changes().at(-1)).toBe('systemctl stop haproxy');
  });

  test('loads a file that an earlier run wrote and did not live to load', async () => {
    const lb = balancerHost({ config: own, isActive: true, isEnabled: true, listener: 'haproxy', isHalfDone: true });
    await lb.apply();
    expect(lb.changes()).toEqual(['systemctl reload haproxy']);
    expect([...lb.host.files.keys()]).toEqual([haproxyPath]);
  });

  test('replaces the file that came with the package', async () => {
    const lb = balancerHost({ config: 'global\n', isPackaged: true });
    await lb.apply();
    expect([...lb.host.files.keys()]).toEqual([haproxyPath]);
    expect(lb.host.files.get(haproxyPath)).toBe(own);
  });

  test("leaves somebody's own configuration alone", async () => {
    const lb = balancerHost({ config: 'global\n    # mine\n' });
    await expect(lb.apply()).rejects.toThrow(/KB_LB_FOREIGN.*not from kbinit/);
    expect(lb.host.files.get(haproxyPath)).toBe('global\n    # mine\n');
    expect(lb.changes()).toEqual([]);
  });

  test('leaves its own configuration alone once somebody edited it', async () => {
    const edited = own.replace('retries 2', 'retries 9');
    const lb = balancerHost({ config: edited });
    await expect(lb.apply()).rejects.toThrow(/KB_LB_FOREIGN.*edited by hand/);
    expect(lb.host.files.get(haproxyPath)).toBe(edited);
  });

  test('replaces it when it is forced to, and keeps a copy beside it', async () => {
    const lb = balancerHost({ config: 'global\n    # mine\n' });
    await lb.apply({ isForced: true });
    expect(lb.host.files.get(`${haproxyPath}.20261121T021219Z`)).toBe('global\n    # mine\n');
    expect(ownershipOf(lb.host.files.get(haproxyPath) ?? '')).toBe('ours');
  });

  test('refuses a port that another program has, before anything is installed', async () => {
    const lb = balancerHost({ programs: ['apt-get'], listener: 'kube-apiserver' });
    await expect(lb.apply()).rejects.toThrow(/KB_PREFLIGHT.*6443 is in use by kube-apiserver/);
    expect(lb.changes()).toEqual([]);
  });

  test('says so where no package manager is', async () => {
    const lb = balancerHost({ programs: [] });
    await expect(lb.apply()).rejects.toThrow(/KB_PACKAGE.*cannot install/);
  });

  test('passes on why the package could not be installed', async () => {
    const lb = balancerHost({ programs: ['yum'] });
    await expect(lb.apply()).rejects.toThrow(/KB_PACKAGE.*yum says: Error: Nothing to do/);
  });
});
