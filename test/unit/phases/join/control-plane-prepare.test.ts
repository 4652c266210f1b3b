import { expect, test } from 'vitest';
import { encrypt } from '../../../../src/certs/encrypt.ts';
import { sharedFiles } from '../../../../src/certs/shared.ts';
import { controlPlanePrepare } from '../../../../src/phases/join/control-plane-prepare.ts';
import type { Artifact } from '../../../../src/host/host.ts';
import { FakeHost } from '../../../fakes/host.ts';
import { pki } from './fixture.ts';
import { joining, type Joining, type JoiningOptions } from './control-plane-fixture.ts';

const key = '8d4388a541f7b0da0206d17495a728d4ec3d07a8f9287ab9123cfcb2185c3c94';
const parts = ['download-certs', 'certs', 'kubeconfig', 'control-plane'];
const folder = '/etc/kubernetes/pki';

/** A new host; the shared files are in the cluster's Secret, or on another control plane. */
async function fresh(
  options: JoiningOptions & { readonly from?: 'secret' | 'host' } = {},
): Promise<Joining & { readonly batches: (readonly Artifact[])[]; readonly shared: ReadonlyMap<string, string> }> {
  const { files = {}, from: _from, ...rest } = options;
  const join = await joining(rest);
  const { cluster } = join.node.spec;
  const shared = new Map(sharedFiles(cluster).map(({ path }) => [path, join.host.files.get(path) ?? '']));
  join.host.files.clear();
  for (const [path, text] of Object.entries(files)) join.host.files.set(path, text);
  const data = Object.fromEntries(
    sharedFiles(cluster).map(({ name, path }, index) => [
      name,
      encrypt(Buffer.from(shared.get(path) ?? ''), key, Buffer.alloc(12, index)).toString('base64'),
    ]),
  );
  const metadata = { name: 'kubeadm-certs', namespace: 'kube-system' };
  const batches: (readonly Artifact[])[] = [];
  const write = join.host.write.bind(join.host);
  join.host.write = (artifacts, directories) => {
    batches.push(artifacts);
    return write(artifacts, directories);
  };
  const { controlPlane } = join.ctx.spec;
  if (controlPlane === undefined) throw new Error('no control plane joins');
  if (options.from === 'host') {
    const source = new FakeHost({ name: 'master1', files: Object.fromEntries(shared) });
    const settings = { ...join.ctx.settings, copyFrom: async () => source };
    return { ...join, ctx: { ...join.ctx, settings }, batches, shared };
  }
  join.api.objects.push({ apiVersion: 'v1', kind: 'Secret', metadata, data });
  const ctx = {
    ...join.ctx,
    spec: { ...join.ctx.spec, controlPlane: { ...controlPlane, certificateKey: key } },
  };
  return { ...join, ctx, batches, shared };
}

test('everything goes to the host in one round trip, the journal first', async () => {
  const { ctx, batches } = await fresh();
  expect(await controlPlanePrepare.run(ctx, parts)).toBe('done');
  expect(batches).toHaveLength(1);
  const paths = batches[0]?.map(({ path }) => path) ?? [];
  expect(paths[0]).toBe('/var/lib/kbinit/journal/join.json');
  expect(new Set(paths).size).toBe(paths.length);
});

test.each(['secret', 'host'] as const)('the CAs are those of the %s, and sign what is made here', async (from) => {
  const { ctx, host, shared } = await fresh({ from });
  await controlPlanePrepare.run(ctx, parts);
  for (const [path, text] of shared) expect(host.files.get(path), path).toBe(text);
  expect(host.files.has(`${folder}/apiserver.crt`)).toBe(true);
  expect(host.files.has(`${folder}/etcd/peer.key`)).toBe(true);
});

test('keys and kubeconfigs are for root alone from their first byte', async () => {
  const { ctx, batches } = await fresh();
  await controlPlanePrepare.run(ctx, parts);
  const open = batches.flat().filter(({ path, mode }) => /\.(?:key|conf|yaml)$|sa\.pub$/.test(path) && mode !== 0o600);
  expect(open).toEqual([]);
  const told = batches.flat().filter(({ path, secret }) => /\.(?:key|conf)$/.test(path) && secret !== true);
  expect(told).toEqual([]);
});

test('there is no super-admin.conf and no kubelet.conf, and the admin goes to the shared address', async () => {
  const { ctx, host } = await fresh();
  await controlPlanePrepare.run(ctx, parts);
  const confs = [...host.files.keys()].filter((path) => path.endsWith('.conf')).toSorted();
  expect(confs.map((path) => path.slice('/etc/kubernetes/'.length))).toEqual([
    'admin.conf',
    'controller-manager.conf',
    'scheduler.conf',
  ]);
  expect(host.files.get('/etc/kubernetes/admin.conf')).toContain('https://192.168.3.33:6443');
  expect(host.files.get('/etc/kubernetes/scheduler.conf')).toContain('https://192.168.3.30:6443');
});

test('a second run makes nothing anew', async () => {
  const { ctx, node, host } = await fresh();
  await controlPlanePrepare.run(ctx, parts);
  const before = new Map(host.files);
  // As another process would begin.
  delete ctx.journal;
  delete ctx.earlier;
  delete node.existing;
  expect(await controlPlanePrepare.run(ctx, parts)).toBe('unchanged');
  expect(host.files).toEqual(before);
});

test("another cluster's CA on the host is not overwritten", async () => {
  const { ctx, batches } = await fresh({ files: { [`${folder}/ca.crt`]: 'another one' } });
  await expect(controlPlanePrepare.run(ctx, parts)).rejects.toMatchObject({ problems: [{ code: 'KB_OTHER_CLUSTER' }] });
  expect(batches).toEqual([]);
});

test('a Secret that has expired is explained with the command that makes it anew', async () => {
  const { ctx, api } = await fresh();
  api.objects = [];
  const failure = await controlPlanePrepare.run(ctx, parts).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    problems: [
      { code: 'KB_CERTS_EXPIRED', fix: expect.stringContaining('kbinit init phase upload-certs --upload-certs') },
    ],
  });
});

test('a host to copy from that belongs to another cluster is refused', async () => {
  const { ctx, shared } = await fresh({ from: 'host' });
  const another = { ...Object.fromEntries(shared), [`${folder}/ca.crt`]: (await pki('ECDSA-P384')).ca };
  const copyFrom = async (): Promise<FakeHost> => new FakeHost({ name: 'master9', files: another });
  const wrong = { ...ctx, settings: { ...ctx.settings, copyFrom } };
  await expect(controlPlanePrepare.run(wrong, parts)).rejects.toMatchObject({
    problems: [{ code: 'KB_OTHER_CLUSTER', host: 'master9' }],
  });
});

test('without any source the shared files must be there, and no CA is ever made', async () => {
  const { ctx, batches } = await fresh({ from: 'host' });
  const { copyFrom: _, ...settings } = ctx.settings;
  await expect(controlPlanePrepare.run({ ...ctx, settings }, parts)).rejects.toMatchObject({
    problems: [{ code: 'KB_CERTS_MISSING' }],
  });
  expect(batches).toEqual([]);
});
