// PEM text: blocks in, blocks out, by the rules of Go's encoding/pem, which reads the same files in Kubernetes again.

export interface PemBlock {
  /** `CERTIFICATE`, `RSA PRIVATE KEY`, … */
  readonly label: string;
  /** `Proc-Type: 4,ENCRYPTED` and the like before the data. */
  readonly hasHeaders: boolean;
  readonly der: Buffer;
}

const begin = '-----BEGIN ';
const end = '-----END ';
const dashes = '-----';

/**
 * Every complete block. BEGIN and END stand at the start of their lines with nothing but blanks behind them; text
 * between blocks, and blocks that are cut off or do not decode, are passed over. A byte order mark is text.
 */
export function pemBlocks(text: string): readonly PemBlock[] {
  const lines = linesOf(text);
  const blocks: PemBlock[] = [];
  // The first line that no block has used. An END on it has no line break before it and is none.
  let first = 0;
  for (let last = 1; last < lines.length; last++) {
    const line = lines[last] ?? '';
    if (last === first || !line.startsWith(end)) continue;
    const block = blockIn(lines.slice(first, last), line);
    if (block === undefined) {
      lines[last] = line.slice(end.length);
      first = last;
    } else {
      blocks.push(block);
      first = last + 1;
    }
  }
  return blocks;
}

/** Whether a text has a block's first line where Go does not see one: behind a byte order mark or other text. */
export function hasMisplacedBegin(text: string): boolean {
  return text.split('\n').some((line) => line.indexOf(begin) > 0);
}

/** One block in lines of 64 characters with a final newline. */
export function toPem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .replaceAll(/.{64}(?!$)/g, '$&\n');
  return `${begin}${label}${dashes}\n${lines}\n${end}${label}${dashes}\n`;
}

/** A carriage return belongs to the line break; the last line has no break. */
function linesOf(text: string): string[] {
  const lines = text.split('\n');
  return lines.map((line, index) => (index < lines.length - 1 && line.endsWith('\r') ? line.slice(0, -1) : line));
}

/** The block of the last BEGIN before an END line: one that has no END of its own is skipped. */
function blockIn(lines: readonly string[], endLine: string): PemBlock | undefined {
  const at = lines.findLastIndex((line) => line.includes(begin));
  const opening = lines[at];
  if (opening?.lastIndexOf(begin) !== 0) return undefined;
  const title = withoutTrailingBlanks(opening);
  if (!title.endsWith(dashes)) return undefined;
  const label = title.slice(begin.length, -dashes.length);
  if (withoutTrailingBlanks(endLine) !== `${end}${label}${dashes}`) return undefined;
  const body = lines.slice(at + 1);
  const firstData = body.findIndex((line) => !line.includes(':'));
  const data = firstData === -1 ? [] : body.slice(firstData);
  const der = decode(data.join(''));
  return der && { label, hasHeaders: firstData === -1 ? body.length > 0 : firstData > 0, der };
}

function withoutTrailingBlanks(line: string): string {
  let length = line.length;
  while (length > 0 && (line[length - 1] === ' ' || line[length - 1] === '\t')) length--;
  return line.slice(0, length);
}

/** Base64 with its padding and nothing else; Buffer would take anything. */
function decode(text: string): Buffer | undefined {
  const packed = text.replaceAll(/[ \t\r]/g, '');
  const isBase64 = packed.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(packed);
  return isBase64 ? Buffer.from(packed, 'base64') : undefined;
}
