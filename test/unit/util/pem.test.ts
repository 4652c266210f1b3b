// The rules of Go's encoding/pem; test/oracle/certificate-forms.test.ts holds them against real kubeadm.
import { expect, test } from 'vitest';
import { pemBlocks, toPem } from '../../../src/util/pem.ts';

const der = Buffer.from('a key, and some more of it so that there are two lines of base64 in the block');
const pem = toPem('PRIVATE KEY', der);
const [, first = '', second = ''] = pem.split('\n');
const crlf = (text: string): string => text.replaceAll('\n', '\r\n');

test.each([
  ['as it is written', pem],
  ['with CRLF', crlf(pem)],
  ['with blanks and tabs behind each line', pem.replaceAll('\n', ' \t\n')],
  ['without the last line break', pem.trimEnd()],
  ['behind text on lines of its own', `Bag Attributes\n    friendlyName: x\n${pem}`],
  ['with blanks inside the base64', pem.replace(first, `${first.slice(0, 9)} ${first.slice(9)}`)],
  ['with headers', pem.replace(first, `Proc-Type: 4\nX: y\n\n${first}`)],
  ['behind a BEGIN without END', `-----BEGIN PRIVATE KEY-----\n${first}\n${pem}`],
  ['with lines of another length', pem.replace(`${first}\n${second}`, first + second)],
])('a block %s is read', (_what, text) => {
  expect(pemBlocks(text).map((block) => block.der.toString())).toEqual([der.toString()]);
});

test.each([
  ['behind a byte order mark', `\uFEFF${pem}`],
  ['behind text on its own line', `key: ${pem}`],
  ['behind blanks on its own line', `  ${pem}`],
  ['with text behind BEGIN', pem.replace('KEY-----', 'KEY----- x')],
  ['with text behind END', `${pem.trimEnd()} x\n`],
  ['with END before its line', pem.replace('\n-----END', '-----END')],
  ['in lower case', pem.toLowerCase()],
  ['with the END of another label', pem.replace('END PRIVATE KEY', 'END CERTIFICATE')],
  ['cut off', pem.slice(0, -30)],
  ['with a letter that is not base64', pem.replace(first, `${first.slice(0, -1)}*`)],
  ['without its padding', pem.replace('=', '')],
  ['with line breaks of CR alone', pem.replaceAll('\n', '\r')],
  ['that ends in CR without a line break', `${pem.trimEnd()}\r`],
])('a block %s is none', (_what, text) => {
  expect(pemBlocks(text)).toEqual([]);
});

test('a block that cannot be read does not hide the next one', () => {
  const other = toPem('CERTIFICATE', der);
  expect(pemBlocks(`${pem.replace(first, '*')}${other}`).map(({ label }) => label)).toEqual(['CERTIFICATE']);
});

test('headers are told of: Go skips a certificate that has any', () => {
  const found = pemBlocks(pem + pem.replace(first, `A: b\n\n${first}`)).map(({ hasHeaders }) => hasHeaders);
  expect(found).toEqual([false, true]);
});
