import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readPieces } from '../../../src/host/download.ts';
import { localTransport } from '../../../src/host/local.ts';
import { openHost } from '../../../src/host/remote.ts';
import { recordingReporter } from '../../fakes/host.ts';

const folder = mkdtempSync(join(tmpdir(), 'kbinit-download-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'file of bytes');

async function read(size: number): Promise<readonly Buffer[]> {
  const host = openHost(localTransport('here'), { name: 'here', reporter: recordingReporter() });
  const pieces: Buffer[] = [];
  for await (const piece of readPieces(host, { path, size })) pieces.push(piece);
  return pieces;
}

test('a file of several pieces arrives as it is', async () => {
  const body = randomBytes(4 * 1024 * 1024 + 4567);
  writeFileSync(path, body);
  const pieces = await read(body.length);
  expect(pieces).toHaveLength(2);
  expect(Buffer.concat(pieces).equals(body)).toBe(true);
});

test('a file that is shorter by now is an error', async () => {
  writeFileSync(path, 'short');
  await expect(read(100)).rejects.toThrow('bytes 0 to 100 were asked for, 5 came');
});
