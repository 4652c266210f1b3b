// A ustar archive in memory: a batch of numbered files on its way to a host's tar.

const block = 512;

/** Octal, zero-padded, NUL-terminated, as ustar numbers are. */
function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, '0')}\0`;
}

function header(name: string, size: number): Buffer {
  const bytes = Buffer.alloc(block);
  bytes.write(name, 0, 100, 'latin1');
  bytes.write(octal(0o600, 8), 100, 'latin1');
  bytes.write(octal(0, 8), 108, 'latin1'); // uid
  bytes.write(octal(0, 8), 116, 'latin1'); // gid
  bytes.write(octal(size, 12), 124, 'latin1');
  bytes.write(octal(0, 12), 136, 'latin1'); // mtime
  bytes.write(' '.repeat(8), 148, 'latin1'); // the checksum counts as blanks
  bytes.write('0', 156, 'latin1'); // a plain file
  bytes.write('ustar\x0000', 257, 'latin1');
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}

/** An archive of plain files, each 0600 and root's. Names are at most 100 ASCII characters. */
export function ustar(files: readonly { readonly name: string; readonly body: string | Uint8Array }[]): Buffer {
  const parts = files.flatMap(({ name, body }) => {
    const data = typeof body === 'string' ? Buffer.from(body) : body;
    return [header(name, data.length), data, Buffer.alloc((block - (data.length % block)) % block)];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * block)]);
}
