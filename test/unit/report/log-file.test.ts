// The log file, in real folders.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { logDirectory, openLogFile } from '../../../src/report/log-file.ts';

const second = Date.UTC(2026, 10, 21, 2, 12, 19);
const folder = (): string => mkdtempSync(join(tmpdir(), 'kbinit-log-'));

test('every event is a line of JSON, commands with code and duration, masked', () => {
  const log = openLogFile({ directory: folder(), now: () => second });
  log.reporter.emit({
    kind: 'command',
    host: 'm1',
    command: 'crictl info',
    code: 3,
    seconds: 0.25,
    stderr: 'abcdef.0123456789abcdef',
  });
  log.reporter.emit({ kind: 'run-end', exitCode: 0, seconds: 1 });
  log.close();
  const lines = readFileSync(log.path ?? '', 'utf8')
    .trimEnd()
    .split('\n');
  expect(lines.map((line): unknown => JSON.parse(line))).toEqual([
    {
      time: '2026-11-21T02:12:19.000Z',
      kind: 'command',
      host: 'm1',
      command: 'crictl info',
      code: 3,
      seconds: 0.25,
      stderr: 'abcdef.****************',
    },
    { time: '2026-11-21T02:12:19.000Z', kind: 'run-end', exitCode: 0, seconds: 1 },
  ]);
});

test('the file is 0600 and new folders are 0700, whatever the umask', () => {
  const directory = join(folder(), 'a', 'b');
  const before = process.umask(0);
  const log = openLogFile({ directory, now: () => second });
  process.umask(before);
  expect(log.path).toBe(join(directory, '2026-11-21T02-12-19Z.jsonl'));
  expect(statSync(log.path ?? '').mode & 0o777).toBe(0o600);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  log.close();
});

test('two runs in one second have a log each', () => {
  const directory = folder();
  const [a, b] = [openLogFile({ directory, now: () => second }), openLogFile({ directory, now: () => second })];
  expect([a.path, b.path]).toEqual(
    ['2026-11-21T02-12-19Z.jsonl', '2026-11-21T02-12-19Z-2.jsonl'].map((name) => join(directory, name)),
  );
  a.close();
  b.close();
});

test('the newest fifty logs are kept, other files are left alone', () => {
  const directory = folder();
  for (let n = 10; n < 70; n++) writeFileSync(join(directory, `2025-01-01T00-00-${n}Z.jsonl`), '');
  writeFileSync(join(directory, 'notes.jsonl'), 'mine');
  const log = openLogFile({ directory, now: () => second });
  log.close();
  const names = readdirSync(directory).toSorted();
  expect(names).toHaveLength(51);
  expect(names).toContain('notes.jsonl');
  expect(names).toContain('2026-11-21T02-12-19Z.jsonl');
  expect(names).not.toContain('2025-01-01T00-00-20Z.jsonl');
  expect(names).toContain('2025-01-01T00-00-21Z.jsonl');
});

test('a folder that cannot be made is told once and the run goes on', () => {
  const directory = join(folder(), 'file', 'log');
  writeFileSync(join(directory, '..'), '');
  const told: string[] = [];
  const log = openLogFile({ directory, onFailure: (text) => told.push(text) });
  log.reporter.emit({ kind: 'run-end', exitCode: 0, seconds: 1 });
  log.reporter.emit({ kind: 'run-end', exitCode: 0, seconds: 1 });
  log.close();
  expect(log.path).toBeUndefined();
  expect(told).toEqual([expect.stringContaining(`no log is written to ${directory}`)]);
});

test('a disk that fills up is told once and the run goes on', () => {
  const told: string[] = [];
  let left = 100;
  const log = openLogFile({
    directory: folder(),
    onFailure: (text) => told.push(text),
    write(descriptor, bytes, offset) {
      if (left === 0) throw new Error('ENOSPC: no space left on device');
      const written = writeSync(descriptor, bytes, offset, Math.min(left, bytes.length - offset));
      left -= written;
      return written;
    },
  });
  for (let n = 0; n < 5; n++) log.reporter.emit({ kind: 'run-end', exitCode: 0, seconds: n });
  expect(told).toEqual([expect.stringContaining('ENOSPC')]);
  expect(readFileSync(log.path ?? '')).toHaveLength(100);
});

test('KBINIT_LOG_DIR goes before the home folder', () => {
  expect(logDirectory({ KBINIT_LOG_DIR: '/logs', HOME: '/home/a' })).toBe('/logs');
  expect(logDirectory({ HOME: '/home/a' })).toBe('/home/a/.kbinit/log');
});

test('an existing folder keeps its mode', () => {
  const directory = join(folder(), 'mine');
  mkdirSync(directory);
  chmodSync(directory, 0o755);
  openLogFile({ directory }).close();
  expect(statSync(directory).mode & 0o777).toBe(0o755);
  expect(existsSync(directory)).toBe(true);
});
