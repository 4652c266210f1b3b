// The commands for a container runtime's tools, run by a real sh with tools that say what they were asked.
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { listImages, pullImage, runtimeTools } from '../../../src/host/runtime.ts';
import { sh, type Shell } from '../../../src/host/shell.ts';
import { viewOnly } from '../../../src/host/view-only.ts';
import { FakeHost } from '../../fakes/host.ts';

const folder = mkdtempSync(join(tmpdir(), 'kbinit-runtime-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Tools on the PATH and nothing else: each prints its name and its words, and ends with 3. */
function pathWith(...tools: readonly string[]): string {
  const path = mkdtempSync(join(folder, 'bin-'));
  mkdirSync(path, { recursive: true });
  for (const tool of tools) {
    writeFileSync(join(path, tool), `#!/bin/sh\nprintf '<%s>' ${tool} "$@"\nexit 3\n`);
    chmodSync(join(path, tool), 0o755);
  }
  return path;
}

function run(command: Shell, path: string): Promise<{ readonly code: unknown; readonly stdout: string }> {
  const env = { PATH: path, CONTAINER_RUNTIME_ENDPOINT: 'unix:///other.sock', CRI_CONFIG_FILE: '/etc/other.yaml' };
  return new Promise((resolve) => {
    execFile('/bin/sh', ['-c', command.text], { env }, (error, stdout) => {
      resolve({ code: error === null ? 0 : error.code, stdout });
    });
  });
}

const [socket, image] = ['unix:///run/containerd/containerd.sock', 'registry.k8s.io/pause:3.10'];
const asked = `<crictl><--config></dev/null><-r><${socket}><-i><${socket}>`;

test('crictl is asked without the configuration and the endpoints of the host, and its end counts', async () => {
  const path = pathWith('crictl', 'ctr');
  expect(await run(listImages(socket), path)).toEqual({ code: 3, stdout: `${asked}<images><-o><json>` });
  expect(await run(pullImage(socket, image), path)).toEqual({ code: 3, stdout: `${asked}<pull><${image}>` });
  const pods = sh`${runtimeTools(socket)}cri pods -q`;
  expect(await run(pods, path)).toEqual({ code: 3, stdout: `${asked}<pods><-q>` });
});

test('a runtime in trouble is waited for no longer than a number of seconds', async () => {
  const timeout = '<timeout><8><crictl><--config></dev/null>';
  const path = pathWith('crictl', 'ctr', 'timeout');
  expect((await run(sh`${runtimeTools(socket, 8)}cri info`, path)).stdout).toBe(
    `${timeout}<-r><${socket}><-i><${socket}><--timeout><4s><info>`,
  );
  expect((await run(sh`${runtimeTools(socket, 8)}k8s_ctr version`, path)).stdout).toBe(
    '<timeout><8><ctr><--address></run/containerd/containerd.sock><-n><k8s.io><--connect-timeout><4s><version>',
  );
});

test('a socket is named with its scheme also where it was given as a path', async () => {
  const { stdout } = await run(pullImage('/run/containerd/containerd.sock', image), pathWith('crictl'));
  expect(stdout).toBe(`${asked}<pull><${image}>`);
});

test('ctr is asked where there is no crictl, through the mirrors that the host has', async () => {
  const path = pathWith('ctr');
  const mirrors = await run(sh`[ -d /etc/containerd/certs.d ] && echo yes`, '/usr/bin:/bin');
  const through = mirrors.stdout === 'yes\n' ? '<--hosts-dir></etc/containerd/certs.d>' : '';
  const address = '<ctr><--address></run/containerd/containerd.sock><-n><k8s.io><images>';
  expect(await run(listImages(socket), path)).toEqual({ code: 3, stdout: `${address}<ls><-q>` });
  expect(await run(pullImage(socket, image), path)).toEqual({
    code: 3,
    stdout: `${address}<pull>${through}<${image}>`,
  });
  expect(pullImage(socket, image).text).toContain('--hosts-dir');
});

test('a host with neither says so', async () => {
  expect(await run(pullImage(socket, image), pathWith())).toMatchObject({ code: 127 });
});

test('what is only to be looked at cannot be changed', async () => {
  const host = new FakeHost({ replies: [[/^/, 'answer']] });
  const view = viewOnly(host);
  expect((await view.probe(sh`true`)).stdout).toBe('answer');
  const changes = [
    view.run(sh`true`, 'why'),
    view.write([{ path: '/x', mode: 0o644, body: '' }]),
    view.remove(['/x'], 'why'),
    view.upload({ path: '/x', mode: 0o644, sha256: '', source: { size: 0, read: async () => new Uint8Array() } }),
  ];
  for (const change of changes) await expect(change).rejects.toThrow('its lock is not held');
  expect(host.files.size).toBe(0);
});
