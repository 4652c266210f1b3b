// What is made of the lines that real components wrote.
import { expect, test } from 'vitest';
import {
  containerLines,
  inWords,
  lastWords,
  messages,
  withoutNumbers,
} from '../../../../src/phases/diagnose/log-lines.ts';

const refusedFlags = [
  'E1201 00:06:01.524256   19050 run.go:72] "command failed" err=<',
  "\tfailed to validate kubelet flags: unknown 'kubernetes.io' or 'k8s.io' labels specified with --node-labels: [kubernetes.io/role]",
  "\t--node-labels in the 'kubernetes.io' namespace must begin with an allowed prefix",
  ' >',
];

test("klog's values of several lines are kept whole", () => {
  const all = messages(['I1201 00:06:01.1 1 a.go:1] "one"', ...refusedFlags, 'I1201 00:06:01.2 1 a.go:1] "two"']);
  expect(all).toHaveLength(3);
  expect(all[1]).toContain('"command failed" err=< failed to validate kubelet flags: unknown');
  expect(all[1]).toMatch(/allowed prefix >$/);
});

test('a value whose end was cut off takes no other line with it', () => {
  expect(messages(['E1201 00:06:01.5 1 run.go:72] "command failed" err=<', '\tone', 'I1201 two'])).toEqual([
    'E1201 00:06:01.5 1 run.go:72] "command failed" err=<',
    'one',
    'I1201 two',
  ]);
});

test("the kubelet's dump of its configuration is no message", () => {
  const dump = [
    'I1201 00:00:01.1 1 server.go:1] "Effective KubeletConfiguration" config=<',
    '\tfailCgroupV1: false',
    ' >',
  ];
  expect(messages([...dump, 'E1201 00:00:02.1 1 a.go:1] "one"'])).toEqual(['E1201 00:00:02.1 1 a.go:1] "one"']);
});

test('what a process said last about its end is its last complaint, not what it prints after it', () => {
  const fatal = 'F1201 00:00:02.1 1 a.go:1] no way on';
  expect(lastWords(['E1201 00:00:01.1 1 a.go:1] one', fatal, 'goroutine 1 [running]:', 'main.main()'])).toBe(fatal);
  expect(lastWords(['flag provided but not defined: -x', 'Usage:', '', '  etcd [flags]'])).toBe(
    'flag provided but not defined: -x',
  );
  expect(lastWords(['one', 'two'])).toBe('two');
  expect(lastWords([])).toBeUndefined();
});

test('two ends for one reason differ in times and process numbers alone', () => {
  const [a, b] = ['00:06:21.290709   20024', '00:06:32.290710   20031'].map(
    (stamp) => `E1201 ${stamp} run.go:72] "command failed" err="no such file"`,
  );
  expect(withoutNumbers(a ?? '')).toBe(withoutNumbers(b ?? ''));
});

test('the words of a complaint are told without where they come from', () => {
  expect(inWords(String.raw`E1201 00:06:21.29   20024 run.go:72] "command failed" err="reading \"/a\": gone"`)).toBe(
    'reading "/a": gone',
  );
  expect(inWords(messages(refusedFlags)[0] ?? '')).toMatch(/^failed to validate kubelet flags: unknown/);
  expect(inWords('Error: unknown flag: --no-such-flag')).toBe('unknown flag: --no-such-flag');
  expect(inWords('{"level":"fatal","ts":"x","caller":"a.go:1","msg":"failed to start","error":"listen: taken"}')).toBe(
    'failed to start: listen: taken',
  );
});

test("a runtime's log is read without its stamps, its pieces put together, older lines left out", () => {
  const lines = [
    '2026-12-01T00:00:00.5Z stderr F old',
    '2026-12-01T00:00:10.123456789Z stderr P half ',
    '2026-12-01T00:00:10.2Z stderr F a line',
    'no line of a log',
    '2026-12-01T00:00:11Z stderr F ',
    '2026-12-01T00:00:11Z stdout F \ttabbed',
  ];
  expect(containerLines(lines, Date.parse('2026-12-01T00:00:05Z') / 1000)).toEqual(['half a line', '', '\ttabbed']);
});
