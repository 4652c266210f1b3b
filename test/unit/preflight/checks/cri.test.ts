// CRI and ContainerRuntimeVersion over what runtimes really answer.
import { describe, expect, test } from 'vitest';
import { containerRuntimeVersion, cri } from '../../../../src/preflight/checks/cri.ts';
import { parseSurvey } from '../../../../src/preflight/survey-parse.ts';
import type { Runtime } from '../../../../src/preflight/runtime-parse.ts';
import { found } from '../fixtures.ts';

const socket = 'unix:///run/containerd/containerd.sock';

/** The runtime of a survey that has these sections. */
function runtimeOf(sections: Readonly<Record<string, string>>): Runtime | undefined {
  const all = { ...sections, end: '' };
  const text = Object.entries(all).map(([name, body]) => `\n@@kbinit:${name}\n${body}`);
  return parseSurvey(text.join(''))?.runtime;
}

function criText(runtime: Runtime | undefined): string {
  const [finding] = cri(socket).run(found(runtime === undefined ? {} : { runtime }));
  return finding === undefined ? '' : `${finding.level}: ${finding.text}`;
}

function criFix(runtime: Runtime | undefined): string {
  const [finding] = cri(socket).run(found(runtime === undefined ? {} : { runtime }));
  return finding?.fix ?? '';
}

const info = (ready: boolean, reason = ''): string =>
  JSON.stringify({
    status: {
      conditions: [
        { type: 'RuntimeReady', status: ready, reason, message: '' },
        { type: 'NetworkReady', status: false, reason: 'NetworkPluginNotReady', message: 'cni plugin not initialized' },
      ],
    },
  });

const ctrVersion = (version: string): string => `Client:
  Version:  ${version}
  Revision: abc
  Go version: go1.26

Server:
  Version:  ${version}
  Revision: abc
  UUID: 1-2-3
`;

describe('with crictl', () => {
  test('a runtime without a network plugin is ready', () => {
    const runtime = runtimeOf({ socket: 'listening\n', 'crictl-info': `${info(true)}\n\nexit 0\n` });
    expect(runtime).toMatchObject({ tool: 'crictl', state: 'ready' });
    expect(criText(runtime)).toBe('');
  });

  test('RuntimeReady false is an error although crictl exits 0', () => {
    const runtime = runtimeOf({ socket: 'listening\n', 'crictl-info': `${info(false, 'Broken')}\n\nexit 0\n` });
    expect(criText(runtime)).toBe(`error: ${socket} answers, but the runtime is not ready: Broken`);
  });

  test('log lines before the JSON do not matter', () => {
    const runtime = runtimeOf({
      socket: 'listening\n',
      'crictl-info': `time="2026" level=warning msg="deprecated"\n${info(true)}\n\nexit 0\n`,
    });
    expect(runtime?.state).toBe('ready');
  });

  test('a runtime that does not answer is an error with its last words', () => {
    const runtime = runtimeOf({
      socket: 'stale\n',
      'crictl-info': 'E1121 rpc error\nFATA validate CRI v1 runtime API: connection refused\n\nexit 1\n',
    });
    expect(criText(runtime)).toContain('does not answer: FATA validate CRI v1 runtime API: connection refused');
  });

  test.each([
    ['cgroup driver:   SYSTEMD', true],
    ['FATA get runtime config: rpc error: code = Unimplemented desc = unknown method RuntimeConfig', false],
    ["No help topic for 'runtime-config'", undefined],
    ['', undefined],
  ])('runtime-config says %o: RuntimeConfig is %o', (text, expected) => {
    const runtime = runtimeOf({
      socket: 'listening\n',
      'crictl-info': `${info(true)}\n\nexit 0\n`,
      'crictl-config': `${text}\n`,
    });
    expect(runtime?.hasRuntimeConfig).toBe(expected);
    const findings = containerRuntimeVersion(socket).run(found(runtime === undefined ? {} : { runtime }));
    expect(findings.map((f) => f.level)).toEqual(expected === false ? ['warning'] : []);
  });
});

describe('with containerd and ctr only', () => {
  const plugins = (rows: string): string => `TYPE                            ID    PLATFORMS      STATUS
io.containerd.content.v1        content  -           ok
${rows}`;

  test.each([
    [
      'v2.3.5',
      'io.containerd.cri.v1  images   -            ok  \nio.containerd.cri.v1  runtime  linux/amd64  ok  \nio.containerd.grpc.v1 cri      -            ok  \n',
      true,
    ],
    ['1.6.20', 'io.containerd.grpc.v1           cri   linux/amd64    ok\n', false],
  ])('containerd %s is ready; whether it knows RuntimeConfig follows from its version', (version, rows, hasConfig) => {
    const runtime = runtimeOf({ socket: 'listening\n', ctr: `${ctrVersion(version)}${plugins(rows)}\nexit 0\n` });
    expect(runtime).toMatchObject({ tool: 'ctr', state: 'ready', hasRuntimeConfig: hasConfig });
  });

  test('a CRI plugin that is switched off is an error that says where to switch it on', () => {
    const runtime = runtimeOf({ socket: 'listening\n', ctr: `${ctrVersion('1.6.20')}${plugins('')}\nexit 0\n` });
    expect(criText(runtime)).toContain('its CRI plugin is disabled');
    const [finding] = cri(socket).run(found(runtime === undefined ? {} : { runtime }));
    expect(finding?.fix).toContain('disabled_plugins');
  });

  test('containerd 2 without its CRI plugin is an error although the plugins that the CRI needs are there', () => {
    const rows = 'io.containerd.cri.v1  images   -            ok  \nio.containerd.cri.v1  runtime  linux/amd64  ok  \n';
    const runtime = runtimeOf({
      socket: 'listening\n',
      ctr: `${ctrVersion('v2.3.5')}\nexit 0\n`,
      'ctr-said': '\n',
      'ctr-plugins': `${plugins(rows)}\nexit 0\n`,
      'ctr-plugins-said': '\n',
    });
    expect(criText(runtime)).toBe(`error: ${socket} answers, but the runtime is not ready: its CRI plugin is disabled`);
    expect(criFix(runtime)).toContain('disabled_plugins in /etc/containerd/config.toml');
  });

  test('a CRI plugin that did not load is told from one that is disabled', () => {
    const rows = 'io.containerd.grpc.v1           cri   linux/amd64    error\n';
    const runtime = runtimeOf({ socket: 'listening\n', ctr: `${ctrVersion('1.7.29')}${plugins(rows)}\nexit 0\n` });
    expect(criText(runtime)).toContain('the state of its CRI plugin is error');
    expect(criFix(runtime)).toContain('`journalctl -u containerd`');
  });

  test('a containerd that does not answer is an error', () => {
    const runtime = runtimeOf({
      socket: 'stale\n',
      ctr: 'Client:\n  Version: 1.7\n\nctr: failed to dial "/run/containerd/containerd.sock"\n\nexit 1\n',
    });
    expect(criText(runtime)).toContain('failed to dial');
  });
});

describe('unknown service runtime.v1.RuntimeService', () => {
  const refusal = `FATA[0000] validate service connection: validate CRI v1 runtime API for endpoint "${socket}": rpc error: code = Unimplemented desc = unknown service runtime.v1.RuntimeService`;
  const asked = (more: Readonly<Record<string, string>>): Runtime | undefined =>
    runtimeOf({ socket: 'listening\n', 'crictl-info': '\nexit 1\n', 'crictl-info-said': `${refusal}\n`, ...more });

  test.each([
    [
      'in the first format, with tables behind it',
      'disabled_plugins = ["cri"]\n\n[plugins."io.containerd.cri.v1.images".pinned_images]',
      'cri',
      '"cri"',
    ],
    [
      'of containerd 1.x',
      "disabled_plugins = ['io.containerd.grpc.v1.cri']",
      'io.containerd.grpc.v1.cri',
      '.grpc.v1.cri"',
    ],
    [
      'of containerd 2.x, over several lines',
      'disabled_plugins = [\n  # "cri"\n  "io.containerd.snapshotter.v1.btrfs", "io.containerd.cri.v1.runtime",\n]',
      'io.containerd.cri.v1.runtime',
      '"io.containerd.cri.v1.runtime"',
    ],
  ])('a plugin that is disabled %s is named with its file', (_, list, name, told) => {
    const runtime = asked({
      'disabled /etc/containerd/config.toml': `${list}\n`,
      'crictl-config': '\nexit 1\n',
      'crictl-config-said': `${refusal}\n`,
    });
    expect(runtime?.hasRuntimeConfig).toBeUndefined();
    expect(criText(runtime)).toMatch(/^error: .* answers, but containerd does not serve the CRI there/);
    expect(criText(runtime)).toMatch(new RegExp(`disabled_plugins in /etc/containerd/config.toml has ${name}$`));
    expect(criFix(runtime)).toContain(`${told} from disabled_plugins in /etc/containerd/config.toml, then run`);
    expect(criFix(runtime)).toContain('`systemctl restart containerd`');
  });

  test('a list of other plugins, or one in a comment, is no cause', () => {
    const list = 'disabled_plugins = ["io.containerd.snapshotter.v1.btrfs"] # "cri"';
    const runtime = asked({ 'disabled /etc/containerd/config.toml': `${list}\n` });
    expect(runtime?.withoutCri?.disabled).toEqual([]);
    expect(criText(runtime)).toContain('unknown service runtime.v1.RuntimeService');
    expect(criFix(runtime)).toContain('`ctr plugins ls`');
  });

  test('a containerd before 1.6 is to be upgraded', () => {
    const runtime = asked({ ctr: `${ctrVersion('1.5.11')}\nexit 0\n` });
    expect(criText(runtime)).toContain('containerd 1.5.11 has no CRI v1');
    expect(criFix(runtime)).toContain('upgrade containerd');
  });
});

describe('without a tool', () => {
  test.each([
    ['missing', 'does not exist'],
    ['not-a-socket', 'is not a socket'],
    ['stale', 'no process listens'],
  ])('a socket that is %s is an error', (state, says) => {
    expect(criText(runtimeOf({ socket: `${state}\n` }))).toContain(says);
  });

  test('a socket that somebody listens on is taken for a runtime', () => {
    expect(criText(runtimeOf({ socket: 'listening\n' }))).toBe('');
  });
});
