// The live view: what a terminal shows in the end, and while it runs.
import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../src/report/events.ts';
import { ttyReporter } from '../../../src/report/tty.ts';

/** A terminal that understands what the view uses: text, line feeds, up-and-home (F), erase below (J), colours. */
class Screen {
  readonly isTTY = true;
  readonly columns: number;
  readonly rows = 24;
  raw = '';
  constructor(columns = 80) {
    this.columns = columns;
  }
  write(text: string): boolean {
    this.raw += text;
    return true;
  }
  /** The lines as seen; a line longer than the screen wraps. */
  lines(): readonly string[] {
    let lines = [''];
    // oxlint-disable-next-line no-control-regex -- the escapes are what is read
    for (const [part] of this.raw.matchAll(/\u001B\[\d*[A-Za-z]|\n|[^\u001B\n]+/g)) {
      if (part === '\n') lines.push('');
      else if (part.startsWith('\u001B') && part.endsWith('F')) {
        lines = [...lines.slice(0, -1 - Number(part.slice(2, -1))), ''];
      } else if (!part.startsWith('\u001B')) {
        for (let at = 0; at < part.length; at += this.columns) {
          if (at > 0) lines.push('');
          lines.push((lines.pop() ?? '') + part.slice(at, at + this.columns));
        }
      }
    }
    return lines.slice(0, -1);
  }
}

interface Live {
  readonly screen: Screen;
  readonly emit: (...events: readonly RunEvent[]) => void;
  readonly tick: (seconds: number) => void;
  readonly isTicking: () => boolean;
  readonly pause: () => void;
  readonly resume: () => void;
}

function live(columns = 80, color = false): Live {
  const screen = new Screen(columns);
  let now = 0;
  let call: (() => void) | undefined;
  const reporter = ttyReporter(screen, {
    color,
    now: () => now,
    every: (_, repeat) => {
      call = repeat;
      return () => (call = undefined);
    },
  });
  return {
    screen,
    emit: (...events) => {
      for (const event of events) reporter.emit(event);
    },
    tick: (seconds) => {
      now += seconds;
      call?.();
    },
    isTicking: () => call !== undefined,
    pause: () => reporter.pause(),
    resume: () => reporter.resume(),
  };
}

const start = (phase: string, host = 'm1', summary = 'do it'): RunEvent => ({
  kind: 'phase-start',
  phase,
  host,
  summary,
});
const end = (phase: string, host = 'm1'): RunEvent => ({
  kind: 'phase-end',
  phase,
  host,
  outcome: 'done',
  seconds: 1.5,
});

test('a running phase is a live line with its time, which its finished line replaces', () => {
  const { screen, emit, tick } = live();
  emit(start('certs', 'm1', 'Make the certificates'));
  tick(1.5);
  expect(screen.lines()).toEqual([expect.stringMatching(/^\S m1 {2}certs {15}Make the certificates {2}1\.5s$/)]);
  emit(end('certs'));
  expect(screen.lines()).toEqual(['m1  certs               done  1.5s']);
});

test('the live line tells the step or the wait', () => {
  const { screen, emit } = live();
  emit(start('wait'), { kind: 'step', host: 'm1', text: 'reading' });
  expect(screen.lines()[0]).toContain('reading');
  emit({ kind: 'waiting', host: 'm1', what: 'the kubelet', last: '' });
  expect(screen.lines()[0]).toContain('waiting for the kubelet');
  emit({ kind: 'waiting', host: 'm1', what: 'etcd', last: 'refused', state: 'exited 1 time' });
  expect(screen.lines()[0]).toContain('waiting for etcd: exited 1 time');
});

test('finished lines and warnings stay above, live lines below', () => {
  const { screen, emit } = live();
  emit(start('certs'), end('certs'), start('etcd'), { kind: 'warning', host: 'm1', text: 'careful' });
  expect(screen.lines()).toEqual([
    'm1  certs               done  1.5s',
    expect.stringMatching(/^m1 +warning careful$/),
    expect.stringContaining('etcd'),
  ]);
});

test('hosts at work at the same time have a live line each', () => {
  const { screen, emit, tick } = live();
  emit(start('join', 'n1'), start('join', 'n2'));
  tick(1);
  tick(1);
  expect(screen.lines()).toHaveLength(2);
  emit(end('join', 'n1'));
  expect(screen.lines()).toEqual([expect.stringContaining('n1'), expect.stringMatching(/^\S n2/)]);
});

describe.each([20, 40, 80])('on %i columns', (columns) => {
  test('a live line never wraps', () => {
    const { screen, emit, tick } = live(columns);
    emit(start('certs', 'm1', `Zertifikate 主机 ${'long '.repeat(40)}`));
    tick(1);
    tick(1);
    expect(screen.lines()).toHaveLength(1);
    expect(screen.lines()[0]?.length).toBeLessThan(columns);
    expect(screen.lines()[0]).toMatch(/…$/);
  });
});

test('a terminal that does not know its size is taken for 80 by 24', () => {
  let text = '';
  const terminal = { isTTY: true, columns: 0, rows: 0, write: (part: string) => (text += part) };
  ttyReporter(terminal, { every: () => () => undefined }).emit(start('certs'));
  expect(text).toContain('certs');
});

test('the spinner turns only while something runs', () => {
  const { emit, isTicking } = live();
  expect(isTicking()).toBe(false);
  emit(start('certs'));
  expect(isTicking()).toBe(true);
  emit(end('certs'));
  expect(isTicking()).toBe(false);
});

test('the end of the run clears what was left running', () => {
  const { screen, emit, isTicking } = live();
  emit(start('certs'), { kind: 'run-end', exitCode: 130, seconds: 2 });
  expect(screen.lines()).toEqual(['stopped after 2.0s']);
  expect(isTicking()).toBe(false);
});

test('without colour there is no colour; with it, there is', () => {
  const plain = live();
  plain.emit(start('certs'), end('certs'));
  expect(plain.screen.raw).not.toMatch(/\[\d+m/);
  const colored = live(80, true);
  colored.emit(start('certs'), end('certs'));
  expect(colored.screen.raw).toContain('\u001B[2m');
});

test('while paused nothing is drawn, so that results and questions stay whole', () => {
  const { screen, emit, tick, pause, resume } = live();
  emit(start('show-join'));
  pause();
  screen.write('join me\n');
  tick(1);
  emit({ kind: 'warning', host: 'm1', text: 'careful' });
  expect(screen.lines()).toEqual(['join me', expect.stringContaining('careful')]);
  resume();
  expect(screen.lines()).toEqual(['join me', expect.stringContaining('careful'), expect.stringContaining('show-join')]);
  emit(end('show-join'));
  expect(screen.lines()[0]).toBe('join me');
  expect(screen.lines()).toHaveLength(3);
});

test('what is no terminal gets plain lines', () => {
  let text = '';
  const reporter = ttyReporter({ write: (part) => (text += part) });
  reporter.emit(start('certs'));
  reporter.emit(end('certs'));
  expect(text).toBe('m1  certs               done  1.5s\n');
});

test('secrets are masked in live lines too', () => {
  const { screen, emit } = live();
  emit(start('certs'), { kind: 'step', host: 'm1', text: 'abcdef.0123456789abcdef' });
  expect(screen.raw).not.toContain('0123456789abcdef');
});
