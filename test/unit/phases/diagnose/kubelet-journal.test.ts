// Whose lines of the kubelet's journal count.
import { expect, test } from 'vitest';
import { currentMessages } from '../../../../src/phases/diagnose/kubelet-journal.ts';

const at = (seconds: number, who: string, text: string): string => `${seconds}.000001 master1 ${who}: ${text}`;
const runtime =
  'E1130 22:14:16.3 7007 log.go:32] "Version from runtime service failed" err="rpc error: code = Unavailable"';
const started = 'I1130 22:14:17.1 7118 server.go:1] "Kubelet version"';

test('a kubelet that was stopped says nothing about the one that was started after it', () => {
  const lines = [
    at(10, 'kubelet[7007]', 'E1130 one'),
    at(16, 'systemd[1]', 'Stopping kubelet.service - kubelet: The Kubernetes Node Agent...'),
    at(16, 'kubelet[7007]', runtime),
    at(17, 'systemd[1]', 'Started kubelet.service - kubelet: The Kubernetes Node Agent.'),
    at(17, 'kubelet[7118]', started),
  ];
  expect(currentMessages(lines, 18)).toEqual([started]);
});

test('"context canceled" is never why something does not come up', () => {
  const canceled =
    'E1130 22:14:16.3 7118 log.go:32] "Version failed" err="rpc error: code = Canceled desc = context canceled"';
  expect(currentMessages([at(17, 'kubelet[7118]', started), at(18, 'kubelet[7118]', canceled)], 40)).toEqual([started]);
});

test('a kubelet that died by itself has said why, while the next one is too young to complain', () => {
  const died = 'E1130 22:14:10.1 7007 run.go:72] "command failed" err="swap"';
  const lines = [
    at(10, 'kubelet[7007]', died),
    at(10, 'systemd[1]', 'kubelet.service: Main process exited, code=exited, status=1/FAILURE'),
    at(20, 'systemd[1]', 'kubelet.service: Scheduled restart job, restart counter is at 1.'),
    at(20, 'systemd[1]', 'Stopped kubelet.service - kubelet: The Kubernetes Node Agent.'),
    at(20, 'kubelet[7118]', started),
  ];
  expect(currentMessages(lines, 21)).toEqual([died, started]);
  expect(currentMessages(lines, 60)).toEqual([started]);
});
