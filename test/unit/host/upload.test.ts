import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { KbError } from '../../../src/errors.ts';
import type { Host, Upload, UploadSource } from '../../../src/host/host.ts';
import { localTransport } from '../../../src/host/local.ts';
import { recordingHost } from '../../../src/host/recording.ts';
import { openHost } from '../../../src/host/remote.ts';
import { connectSsh } from '../../../src/host/ssh/pool.ts';
import { nextPiece } from '../../../src/host/upload.ts';
import { recordingReporter } from '../../fakes/host.ts';
import { canRunSshd, startSshd, wireTo } from './ssh/sshd.ts';

const root = mkdtempSync(join(tmpdir(), 'kbinit-upload-'));
afterAll(() => rmSync(root, { recursive: true }));

let folder = '';
let path = '';
let count = 0;
beforeEach(() => {
  folder = join(root, String(count++));
  mkdirSync(folder);
  path = join(folder, 'file');
});

const body = randomBytes(3_000_000);

function sourceOf(bytes: Buffer, reads: number[] = []): UploadSource {
  return {
    size: bytes.length,
    read: (offset, length) => {
      reads.push(offset);
      return Promise.resolve(bytes.subarray(offset, offset + length));
    },
  };
}

function upload(bytes: Buffer = body, more: Partial<Upload> = {}): Upload {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { path, mode: 0o755, source: sourceOf(bytes), sha256, ...more };
}

function local(): { host: Host; reporter: ReturnType<typeof recordingReporter> } {
  const reporter = recordingReporter();
  return { host: openHost(localTransport('here'), { name: 'here', reporter }), reporter };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no failure',
    (error: unknown) => (error instanceof KbError ? error.message : String(error)),
  );
}

describe.skipIf(process.getuid?.() !== 0)('an upload', () => {
  test('brings the bytes, the mode and the owner, and leaves nothing else', async () => {
    const { host } = local();
    expect(await host.upload(upload())).toEqual({ path, outcome: 'created' });
    expect(readFileSync(path).equals(body)).toBe(true);
    const { mode, uid } = statSync(path);
    expect([mode & 0o777, uid, readdirSync(folder)]).toEqual([0o755, 0, ['file']]);
  });

  test('of what is there already sends nothing', async () => {
    const { host } = local();
    await host.upload(upload());
    const reads: number[] = [];
    expect(await host.upload({ ...upload(), source: sourceOf(body, reads) })).toEqual({ path, outcome: 'unchanged' });
    expect(reads).toEqual([]);
  });

  test('replaces another file, and one with the wrong mode', async () => {
    const { host } = local();
    writeFileSync(path, 'old');
    expect((await host.upload(upload())).outcome).toBe('updated');
    chmodSync(path, 0o600);
    expect((await host.upload(upload())).outcome).toBe('updated');
    expect(statSync(path).mode & 0o777).toBe(0o755);
  });

  test.each([0, 1, 65_536, 262_144, 262_145])('of %i bytes arrives whole', async (size) => {
    const { host } = local();
    const bytes = body.subarray(0, size);
    await host.upload(upload(bytes));
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  test('goes on where an earlier one of the same content ended', async () => {
    const { host } = local();
    const wanted = upload();
    const part = join(folder, `.file.${wanted.sha256.slice(0, 16)}.kbinit-part`);
    writeFileSync(part, body.subarray(0, 1_000_000));
    const reads: number[] = [];
    await host.upload({ ...wanted, source: sourceOf(body, reads) });
    expect(reads[0]).toBe(1_000_000);
    expect(readFileSync(path).equals(body)).toBe(true);
  });

  test('does not go on from a damaged part, nor from another content', async () => {
    const { host } = local();
    const wanted = upload();
    writeFileSync(join(folder, `.file.${wanted.sha256.slice(0, 16)}.kbinit-part`), randomBytes(1_000_000));
    writeFileSync(join(folder, '.file.0123456789abcdef.kbinit-part'), 'of another content');
    await host.upload(wanted);
    expect(readFileSync(path).equals(body)).toBe(true);
    expect(readdirSync(folder)).toEqual(['file']);
  });

  test('that is not what it says never takes its place', async () => {
    const { host } = local();
    writeFileSync(path, 'old');
    const said = await codeOf(host.upload({ ...upload(), sha256: 'ab'.repeat(32) }));
    expect(said).toMatch(/KB_UPLOAD.*3000000 bytes/);
    expect([readFileSync(path, 'utf8'), readdirSync(folder)]).toEqual(['old', ['file']]);
  });

  test('does not go through a symbolic link, nor over a folder', async () => {
    const { host } = local();
    symlinkSync('/etc/hostname', path);
    expect(await codeOf(host.upload(upload()))).toMatch(/KB_SYMLINK/);
    rmSync(path);
    mkdirSync(path);
    expect(await codeOf(host.upload(upload()))).toMatch(/KB_WRITE.*folder/);
  });

  test('is one line of the plan in a dry run', async () => {
    const { host, reporter } = local();
    const dry = recordingHost(host, reporter);
    expect((await dry.upload(upload())).outcome).toBe('created');
    expect(existsSync(path)).toBe(false);
    const plans = reporter.events.flatMap((event) => (event.kind === 'plan' ? [event.text] : []));
    expect(plans).toHaveLength(1);
    expect(plans[0]).toContain(`upload ${path} (0755, 3000000 bytes`);
  });

  test('keeps its bytes out of the log', async () => {
    const { host, reporter } = local();
    const secret = Buffer.from('a text nobody shall find in the log');
    await host.upload(upload(secret));
    expect(JSON.stringify(reporter.events)).not.toContain('nobody shall find');
  });

  test.skipIf(!canRunSshd)('over a link that is cut again and again goes on and ends whole', async () => {
    const sshd = await startSshd();
    const wire = await wireTo(sshd.port);
    const reporter = recordingReporter();
    const transport = await connectSsh({
      host: '127.0.0.1',
      port: wire.port,
      user: 'root',
      name: 'h',
      identityFiles: [sshd.key],
      homeDirectory: sshd.home,
      acceptNewHostKeys: true,
    });
    const host = openHost(transport, { name: 'h', reporter });
    let reads = 0;
    const bytes = randomBytes(12_000_000);
    const source: UploadSource = {
      size: bytes.length,
      read: (offset, length) => {
        // Under every second piece, a moment after it was sent.
        if (++reads % 2 === 0) setTimeout(() => wire.cut(), 5);
        return Promise.resolve(bytes.subarray(offset, offset + length));
      },
    };
    await host.upload({ ...upload(bytes), source });
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(wire.connections).toBeGreaterThan(1);
    expect(readdirSync(folder)).toEqual(['file']);
    await host.close();
    await wire.stop();
    await sshd.stop();
  });
});

describe('the size of a piece', () => {
  test('grows on a fast link, at most fourfold, to eight MiB', () => {
    expect(nextPiece(262_144, 0.01)).toBe(1_048_576);
    expect(nextPiece(8_388_608, 0.1)).toBe(8_388_608);
  });
  test('shrinks on a slow link to what takes two seconds, but not below 64 KiB', () => {
    expect(nextPiece(262_144, 8)).toBe(65_536);
    expect(nextPiece(1_048_576, 4)).toBe(524_288);
    expect(nextPiece(65_536, 60)).toBe(65_536);
  });
});
