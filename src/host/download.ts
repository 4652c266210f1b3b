// Large files from a host: in pieces that each can be asked for again, so that nothing of it has to fit into memory.
import { KbError } from '../errors.ts';
import { shortened } from './failures.ts';
import type { HostView } from './host.ts';
import { script, sh } from './shell.ts';

/** Base64 of it is what one answer holds. */
const pieceBytes = 4 * 1024 * 1024;
const pieceTimeoutSeconds = 300;

const reader = script`
dd if="$1" bs=65536 iflag=skip_bytes,count_bytes skip="$2" count="$3" 2>/dev/null | base64 -w0
`;

/** The pieces of a file of this size, in their order. @throws KbError KB_READ when it is shorter by now */
export async function* readPieces(
  host: Pick<HostView, 'name' | 'probe'>,
  { path, size, signal }: { readonly path: string; readonly size: number; readonly signal?: AbortSignal },
): AsyncGenerator<Buffer> {
  for (let offset = 0; offset < size;) {
    const wanted = Math.min(pieceBytes, size - offset);
    const { stdout, stderr } = await host.probe(sh`set -- ${path} ${offset} ${wanted}; ${reader}`, {
      // Megabytes of base64 are no use in a log.
      secret: true,
      why: `read ${path}`,
      timeoutSeconds: pieceTimeoutSeconds,
      ...(signal !== undefined && { signal }),
    });
    const piece = Buffer.from(stdout, 'base64');
    if (piece.length !== wanted) {
      throw new KbError({
        code: 'KB_READ',
        summary: 'a file cannot be read',
        detail: `${path}: bytes ${offset} to ${offset + wanted} were asked for, ${piece.length} came ${shortened(stderr)}`,
        fix: 'check the disk of the host, then run again',
        host: host.name,
      });
    }
    yield piece;
    offset += piece.length;
  }
}
