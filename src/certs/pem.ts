// PEM text: blocks in, blocks out, the way Go's encoding/pem reads and writes them.

export interface PemBlock {
  /** `CERTIFICATE`, `RSA PRIVATE KEY`, … */
  readonly label: string;
  readonly der: Buffer;
  /** The block as it stands in the text. */
  readonly text: string;
}

const blockPattern = /-----BEGIN ([A-Z0-9 ]+)-----\r?\n([A-Za-z0-9+/=\s]*?)-----END \1-----/g;

/** Every complete block; text around blocks and blocks that are cut off or encrypted are passed over. */
export function pemBlocks(text: string): readonly PemBlock[] {
  return [...text.matchAll(blockPattern)].map(([block, label = '', body = '']) => ({
    label,
    der: Buffer.from(body, 'base64'),
    text: `${block}\n`,
  }));
}

/** One block in lines of 64 characters with a final newline. */
export function toPem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .replaceAll(/.{64}(?!$)/g, '$&\n');
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
