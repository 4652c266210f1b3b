// Problem block, table, JSON, tee and colour choice.
import { describe, expect, test } from 'vitest';
import type { Problem } from '../../../src/errors.ts';
import { boxed } from '../../../src/report/box.ts';
import { jsonLine, jsonReporter } from '../../../src/report/json.ts';
import { renderProblem } from '../../../src/report/problem.ts';
import { seconds, wantsColor } from '../../../src/report/style.ts';
import { columns } from '../../../src/util/columns.ts';
import { hasSteering, printable } from '../../../src/util/invisible.ts';
import { table, timeTable } from '../../../src/report/table.ts';
import { teeReporter } from '../../../src/report/tee.ts';
import { recordingReporter } from '../../fakes/host.ts';

const problem: Problem = {
  code: 'KB_CA_KEY_MISSING',
  summary: 'the etcd CA has a certificate but no key',
  phase: 'certs/etcd-ca',
  host: 'master1',
  detail: '/etc/kubernetes/pki/etcd/ca.crt; ca.key does not exist',
  fix: 'copy ca.key beside it,\nor move ca.crt away',
};

describe('problem block', () => {
  test('says what, where, found, do and log', () => {
    expect(renderProblem(problem, { logPath: '~/.kbinit/log/x.jsonl' }))
      .toBe(`╷ KB_CA_KEY_MISSING  the etcd CA has a certificate but no key
│ where   certs/etcd-ca on master1
│ found   /etc/kubernetes/pki/etcd/ca.crt; ca.key does not exist
│ do      copy ca.key beside it,
│         or move ca.crt away
╵ log     ~/.kbinit/log/x.jsonl`);
  });

  test('leaves out what is not known, and still ends with its foot', () => {
    expect(renderProblem({ code: 'KB_X', summary: 's', detail: 'd', fix: 'f' })).toBe(`╷ KB_X  s
│ found   d
╵ do      f`);
  });

  test('shows the last eight lines of evidence under what was found', () => {
    const evidence = Array.from({ length: 10 }, (_, n) => `line ${n}`);
    const text = renderProblem({ ...problem, evidence });
    expect(text).not.toContain('line 1\n');
    expect(text).toContain('│         line 2\n');
    expect(text).toContain('│         line 9\n');
  });

  test('colours the rule and the code only on demand', () => {
    expect(renderProblem(problem)).not.toContain('\u001B');
    expect(renderProblem(problem, { color: true })).toContain('\u001B[31mKB_CA_KEY_MISSING\u001B[0m');
  });
});

describe('table', () => {
  test('aligns columns and leaves no spaces at the end', () => {
    expect(
      table([
        ['TOKEN', 'TTL', 'X'],
        ['abcdef', '23h', ''],
      ]),
    ).toBe('TOKEN   TTL  X\nabcdef  23h');
  });

  test('of times has shares and a sum, also when no time passed', () => {
    expect(
      timeTable([
        { host: 'm1', phase: 'certs', seconds: 1 },
        { host: 'm1', phase: 'wait', seconds: 9 },
      ]),
    ).toBe('m1  certs     1.0s   10%\nm1  wait      9.0s   90%\n    sum      10.0s');
    expect(timeTable([{ host: 'm1', phase: 'certs', seconds: 0 }])).toContain('0%');
  });
});

test.each([
  [0, '0.0s'],
  [59.94, '59.9s'],
  [59.96, '1m 00s'],
  [245, '4m 05s'],
])('%d seconds read %s', (value, text) => {
  expect(seconds(value)).toBe(text);
});

test('printable keeps tabs, line feeds and letters of any script', () => {
  expect(printable('a\tb\nc 主机 é')).toBe('a\tb\nc 主机 é');
});

describe('JSON', () => {
  test('is one event a line, with its time, masked', () => {
    let text = '';
    const reporter = jsonReporter({ write: (part) => (text += part) }, { now: () => 1_795_000_000_123 });
    reporter.emit({ kind: 'warning', host: 'm1', text: 'line\nfeed abcdef.0123456789abcdef' });
    reporter.emit({ kind: 'run-end', exitCode: 0, seconds: 1 });
    const lines = text.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      time: '2026-11-18T11:06:40.123Z',
      kind: 'warning',
      host: 'm1',
      text: 'line\nfeed abcdef.****************',
    });
  });

  test('leaves commands and requests to the log file', () => {
    let text = '';
    const reporter = jsonReporter({ write: (part) => (text += part) });
    reporter.emit({ kind: 'command', host: 'm1', command: 'ls', code: 0, seconds: 0 });
    reporter.emit({ kind: 'request', host: 'm1', method: 'GET', path: '/', status: 200, seconds: 0 });
    expect(text).toBe('');
  });
});

test('tee gives every event to every reporter, in order', () => {
  const [a, b] = [recordingReporter(), recordingReporter()];
  const tee = teeReporter(a, b);
  tee.emit({ kind: 'run-end', exitCode: 0, seconds: 1 });
  tee.emit({ kind: 'run-end', exitCode: 1, seconds: 2 });
  expect(a.events.map((e) => (e.kind === 'run-end' ? e.seconds : 0))).toEqual([1, 2]);
  expect(b.events).toEqual(a.events);
});

describe('colour', () => {
  const tty = { isTTY: true, write: () => true };
  const pipe = { write: () => true };

  test.each([
    [tty, {}, true],
    [pipe, {}, false],
    [tty, { NO_COLOR: '1' }, false],
    [tty, { NO_COLOR: '' }, true],
    [pipe, { FORCE_COLOR: '1' }, true],
    [tty, { FORCE_COLOR: '0' }, false],
    [tty, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
    [tty, { TERM: 'dumb' }, false],
  ])('case %#', (stream, environment, expected) => {
    expect(wantsColor(stream, environment)).toBe(expected);
  });
});

describe('a cell that somebody else wrote', () => {
  const cell = 'a\u001B]0;PWNED\u0007\u202Eb';

  test.each([
    [
      'table',
      () =>
        table([
          [cell, 'x'],
          ['longer than that one', 'y'],
        ]),
    ],
    [
      'columns',
      () =>
        columns([
          [cell, 'x'],
          ['longer than that one', 'y'],
        ]),
    ],
    ['boxed', () => boxed(['a', 'b'], [[cell, 'x']])],
  ])('neither steers nor shifts what is beside it in %s', (_, made) => {
    const lines = made()
      .split('\n')
      .filter((line) => line !== '');
    expect(hasSteering(made())).toBe(false);
    const at = lines.map((line) => line.search(/[xy|B]\s*\|?$/));
    expect(new Set(at.filter((index) => index >= 0)).size).toBe(1);
  });
});

test('JSON of an event has every control and mark escaped', () => {
  const line = jsonLine({ kind: 'warning', host: 'm1', text: 'a\u009B31m\u202E\u2028' }, 0);
  expect(line).toContain(String.raw`a\u009b31m\u202e\u2028`);
  expect(hasSteering(line)).toBe(false);
});

test('an error shows a blank that is none, and what has no width', () => {
  const shown = renderProblem({
    code: 'KB_CONFIG',
    summary: 'invalid configuration',
    detail: 'kubeadm.yaml line 3: net\u00A0working\u200B: unknown field',
    fix: 'remove it',
  });
  expect(shown).toContain(String.raw`net\u00a0working\u200b: unknown field`);
});
