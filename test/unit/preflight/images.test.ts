// ImagePull: what is missing, how it is fetched, and how failure is told.
import { describe, expect, test } from 'vitest';
import { ensureImages, missingImages, type PullRequest } from '../../../src/preflight/images.ts';
import { FakeHost, recordingReporter, type Reply } from '../../fakes/host.ts';
import { failureOf } from '../../fakes/failure.ts';

const socket = 'unix:///run/containerd/containerd.sock';
const images = ['registry.k8s.io/kube-apiserver:v1.36.3', 'registry.k8s.io/pause:3.10.2'];
const crictl = JSON.stringify({
  images: [
    { id: 'sha256:aa', repoTags: ['registry.k8s.io/pause:3.10.2'], repoDigests: [] },
    {
      id: 'sha256:bb',
      repoTags: ['docker.io/library/busybox:1'],
      repoDigests: ['docker.io/library/busybox@sha256:cc'],
    },
  ],
});

function hostWith(list: Reply, pull: Reply): FakeHost {
  return new FakeHost({
    replies: [
      ['images -o json', list],
      [' pull ', pull],
    ],
  });
}

function request(host: FakeHost, changes: Partial<PullRequest> = {}): PullRequest {
  return {
    host,
    reporter: recordingReporter(),
    images,
    criSocket: socket,
    policy: 'IfNotPresent',
    isSerial: true,
    ignore: [],
    ...changes,
  };
}

const pulls = (host: FakeHost): readonly string[] => host.ran.flatMap((r) => (r.why === undefined ? [] : [r.why]));

describe('what is missing', () => {
  test.each([
    ['crictl', crictl],
    ['ctr', 'registry.k8s.io/pause:3.10.2\nsha256:aa\n'],
  ])('is read from the list of %s', async (_, list) => {
    expect(await missingImages(hostWith(list, ''), socket, images)).toEqual([images[0]]);
  });

  test('an empty store lacks everything', async () => {
    expect(await missingImages(hostWith('{"images": []}', ''), socket, images)).toEqual(images);
    expect(await missingImages(hostWith('', ''), socket, images)).toEqual(images);
  });

  test('short Docker Hub names are found under docker.io', async () => {
    expect(await missingImages(hostWith(crictl, ''), socket, ['busybox:1', 'library/busybox:1'])).toEqual([]);
  });
});

describe('policy', () => {
  test('IfNotPresent pulls only what is missing, and nothing when all is there', async () => {
    const host = hostWith(crictl, '');
    expect(await ensureImages(request(host))).toEqual([images[0]]);
    expect(pulls(host)).toEqual([`pull ${images[0]}`]);
    const full = hostWith(images.join('\n'), '');
    expect(await ensureImages(request(full))).toEqual([]);
    expect(pulls(full)).toEqual([]);
  });

  test('Always pulls everything, Never asks nobody', async () => {
    const host = hostWith(crictl, '');
    await ensureImages(request(host, { policy: 'Always' }));
    expect(pulls(host)).toEqual(images.map((image) => `pull ${image}`));
    const never = new FakeHost();
    expect(await ensureImages(request(never, { policy: 'Never' }))).toEqual([]);
  });
});

describe('failure', () => {
  test('an image is tried five times, and all that failed are in one error', async () => {
    const host = hostWith('', { code: 1, stderr: 'unexpected status: 500 Internal Server Error\n' });
    const { problems } = await failureOf(ensureImages(request(host)));
    expect(pulls(host)).toHaveLength(10);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ code: 'KB_PREFLIGHT', summary: 'ImagePull', host: 'master1' });
    expect(problems[0]?.detail).toContain(images.join(', '));
    expect(problems[0]?.fix).toContain('--ignore-preflight-errors=ImagePull');
  });

  test('a later attempt that works is success', async () => {
    let tries = 0;
    const host = hostWith('', () => (++tries < 5 ? { code: 1, stderr: 'EOF' } : ''));
    expect(await ensureImages(request(host, { images: images.slice(0, 1) }))).toEqual(images.slice(0, 1));
  });

  test('a registry that hangs is not asked again, for this image or the next', async () => {
    let clock = 0;
    const host = hostWith('', () => {
      clock += 30;
      return { code: 1, stderr: 'dial tcp 1.2.3.4:443: i/o timeout' };
    });
    const { problems } = await failureOf(ensureImages(request(host, { now: () => clock })));
    expect(pulls(host)).toHaveLength(1);
    expect(problems[0]?.detail).toContain(images.join(', '));
  });

  test('another registry still gets its chance', async () => {
    const host = hostWith('', (command) =>
      command.includes('registry.k8s.io') ? { code: 1, stderr: 'no such host' } : '',
    );
    const wanted = [...images, 'mirror.lan:5000/etcd:1'];
    const { problems } = await failureOf(ensureImages(request(host, { images: wanted })));
    expect(problems[0]?.detail).not.toContain('mirror.lan');
  });

  test('in parallel every image is tried', async () => {
    const host = hostWith('', { code: 1, stderr: 'no such host' });
    await failureOf(ensureImages(request(host, { isSerial: false })));
    expect(pulls(host)).toHaveLength(10);
  });

  test('a runtime that does not answer is an error, and only told when ImagePull is ignored', async () => {
    const host = hostWith({ code: 1, stderr: 'connection refused' }, '');
    expect((await failureOf(ensureImages(request(host)))).problems[0]?.detail).toContain('connection refused');
    const reporter = recordingReporter();
    expect(await ensureImages(request(host, { ignore: ['imagepull'], reporter }))).toEqual([]);
    expect(reporter.events).toEqual([expect.objectContaining({ kind: 'warning', name: 'ImagePull' })]);
  });
});
