// Large files to a host: in pieces that each can be sent again, checked by size and sha256 before they take their place.
import { KbError } from '../errors.ts';
import { shortened } from './failures.ts';
import { hiddenBeside, isLink, notWritten } from './file-target.ts';
import type { Change, ExecIO, ExecResult, Upload } from './host.ts';
import { script, sh, type Shell } from './shell.ts';
import { mebibytes } from '../util/text.ts';

/** How the pieces travel; the host logs each command by its text. */
export interface UploadWay {
  readonly host: string;
  /** Run again by itself when the connection is lost under it. */
  readonly execute: (command: Shell, io: ExecIO, text: string) => Promise<ExecResult>;
  /** A sentence of progress. */
  readonly tell: (text: string) => void;
  /** Milliseconds on a steady clock. */
  readonly now: () => number;
}

const smallestPiece = 64 * 1024;
const firstPiece = 256 * 1024;
const largestPiece = 8 * 1024 * 1024;
/** A piece takes about this long: short enough to lose little, long enough for the round trip not to matter. */
const wantedPieceSeconds = 2;
/** For one piece: a slow link must not be taken for a dead one, which the keepalive finds. */
const pieceTimeoutSeconds = 300;
const tellEverySeconds = 5;

/** `is SHA256 MODE OWNER` of the file, `part SIZE` of what an earlier upload of the same content brought. */
const looker = script`
[ ! -L "$1" ] || { echo symlink; exit 0; }
[ ! -d "$1" ] || { echo folder; exit 0; }
[ ! -f "$1" ] || echo "is $(sha256sum < "$1" | cut -d' ' -f1) $(stat -c '%a %u:%g' -- "$1")"
[ ! -f "$2" ] || echo "part $(stat -c %s -- "$2")"
`;

/** A command that looks at what is there. */
export function lookCommand(upload: Upload): Shell {
  return sh`set -- ${upload.path} ${partOf(upload)}; ${looker}`;
}

/** What a look found: whether the file is right already, is another one, and how much of it an earlier run brought. */
export function readLook(
  host: string,
  { path, sha256, mode, source }: Upload,
  { stdout }: ExecResult,
): { readonly outcome: Change['outcome']; readonly offset: number } {
  if (/^symlink$/m.test(stdout)) throw isLink(host, path);
  if (/^folder$/m.test(stdout)) throw notWritten(host, path, 'it is a folder');
  const there = /^is (\S+) (\d+) (\S+)$/m.exec(stdout);
  const isRight = there?.[1] === sha256 && there[2] === mode.toString(8) && there[3] === '0:0';
  const part = Number(/^part (\d+)$/m.exec(stdout)?.[1] ?? 0);
  return {
    outcome: there === null ? 'created' : isRight ? 'unchanged' : 'updated',
    offset: part <= source.size ? part : 0,
  };
}

/*
 * A piece is written at its own place in the file: sent twice, or by a command that outlives its connection for a moment,
 * it writes the same bytes to the same place. Pieces go one after the other, so the size says how much is there.
 */
const taker = script`
(umask 022; mkdir -p -- "$(dirname -- "$1")") || exit 1
umask 077
[ "$2" != 0 ] || rm -f -- "$4".*.kbinit-part
dd of="$1" bs=65536 oflag=seek_bytes seek="$2" conv=notrunc iflag=fullblock || exit 1
size=$(stat -c %s -- "$1")
[ "$size" -ge "$3" ] || { echo "only $size bytes arrived" >&2; exit 1; }
`;

/** Flushed, judged, and only then renamed over its target. `wrong SIZE SHA256` where it is not the file. */
const placer = script`
size=$(stat -c %s -- "$1") || exit 1
dd if=/dev/null of="$1" bs=1 conv=notrunc,fsync 2> /dev/null || exit 1
sha=$(sha256sum < "$1" | cut -d' ' -f1)
[ "$size $sha" = "$3 $4" ] || { echo "wrong $size $sha"; rm -f -- "$1"; exit 0; }
chown 0:0 -- "$1" && chmod "$5" -- "$1" && mv -f -T -- "$1" "$2" || exit 1
if [ -d /sys/fs/selinux/class ] && command -v restorecon > /dev/null; then restorecon -- "$2"; fi
dd if=/dev/null conv=fsync 2> /dev/null 1< "$(dirname -- "$2")" || :
echo placed
`;

/** Named by the content: an upload of other content never goes on from it. */
function partOf(upload: Upload): string {
  return `${hiddenBeside(upload.path)}.${upload.sha256.slice(0, 16)}.kbinit-part`;
}

/** The size of the next piece, from how long the last one took. */
export function nextPiece(bytes: number, seconds: number): number {
  const wanted = seconds <= 0 ? largestPiece : (bytes / seconds) * wantedPieceSeconds;
  // No jump is larger than fourfold: one quick answer says little.
  const bounded = Math.min(wanted, bytes * 4, largestPiece);
  return Math.max(smallestPiece, Math.floor(bounded / smallestPiece) * smallestPiece);
}

/** Send it, from where an earlier upload ended. @throws KbError KB_WRITE, KB_DISK_FULL, KB_SYMLINK, KB_UPLOAD */
export async function sendFile(way: UploadWay, upload: Upload): Promise<Change> {
  const { path } = upload;
  const text = `(check ${path})`;
  const look = await way.execute(lookCommand(upload), { idempotent: true, why: 'look', timeoutSeconds: 120 }, text);
  const { outcome, offset } = readLook(way.host, upload, look);
  if (outcome === 'unchanged') return { path, outcome };
  await sendPieces(way, upload, offset);
  let wrong = await place(way, upload);
  // What an earlier run left behind may be damaged: once more from the beginning.
  if (wrong !== undefined && offset > 0) {
    await sendPieces(way, upload, 0);
    wrong = await place(way, upload);
  }
  if (wrong === undefined) return { path, outcome };
  throw new KbError({
    code: 'KB_UPLOAD',
    summary: 'an uploaded file is not what was sent',
    detail: `${path}: ${upload.source.size} bytes (sha256:${upload.sha256}) were sent, the host has ${wrong}`,
    fix: 'check that the file did not change on this machine meanwhile, and the disk and memory of the host; run again',
    host: way.host,
  });
}

async function sendPieces(way: UploadWay, upload: Upload, from: number): Promise<void> {
  const { path, source } = upload;
  const [part, stem] = [partOf(upload), hiddenBeside(path)];
  let [offset, piece, told] = [from, firstPiece, way.now()];
  if (from > 0) way.tell(`uploading ${path}: going on at ${mebibytes(from)} of ${mebibytes(source.size)}`);
  // An empty file is one empty piece.
  do {
    const bytes = await source.read(offset, Math.min(piece, source.size - offset));
    const end = offset + bytes.length;
    const start = way.now();
    const command = sh`set -- ${part} ${offset} ${end} ${stem}; ${taker}`;
    const io = {
      stdin: bytes,
      idempotent: true,
      secret: true,
      why: `upload ${path}`,
      timeoutSeconds: pieceTimeoutSeconds,
    };
    const result = await way.execute(command, io, `(upload ${path}, bytes ${offset} to ${end})`);
    if (result.code !== 0) throw notWritten(way.host, path, shortened(result.stderr) || `exit code ${result.code}`);
    piece = nextPiece(bytes.length, (way.now() - start) / 1000);
    offset = end;
    if (way.now() - told > tellEverySeconds * 1000 && offset < source.size) {
      told = way.now();
      const percent = Math.floor((offset / source.size) * 100);
      way.tell(`uploading ${path}: ${percent} % of ${mebibytes(source.size)}`);
    }
  } while (offset < source.size);
}

/** Judge and place it; what is wrong with it where something is. */
async function place(way: UploadWay, upload: Upload): Promise<string | undefined> {
  const { path, source, sha256, mode } = upload;
  const command = sh`set -- ${partOf(upload)} ${path} ${source.size} ${sha256} ${mode.toString(8)}; ${placer}`;
  // Not idempotent by itself: a second one after a first whose answer was lost finds no part, but the file in its place.
  const again = sh`if [ ! -e ${partOf(upload)} ] && [ "$(sha256sum < ${path} | cut -d' ' -f1)" = ${sha256} ]; then echo placed; exit 0; fi`;
  const io = { idempotent: true, why: `place ${path}`, timeoutSeconds: pieceTimeoutSeconds };
  const result = await way.execute(sh`${again}\n${command}`, io, `(place ${path})`);
  const [, size, sha] = /^wrong (\d+) (\S+)$/m.exec(result.stdout) ?? [];
  if (size !== undefined && sha !== undefined) return `${size} bytes (sha256:${sha})`;
  if (result.code === 0 && /^placed$/m.test(result.stdout)) return undefined;
  throw notWritten(way.host, path, shortened(result.stderr) || `exit code ${result.code}`);
}
