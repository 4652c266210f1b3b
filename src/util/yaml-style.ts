// How Go's YAML writer quotes a text (sigs.k8s.io/yaml: go-yaml v2, encode.go and emitterc.go): kubeadm's files are compared
// byte for byte.

/** The looks of a text. */
export type TextStyle = 'plain' | 'single' | 'double' | 'literal';

/** What the place and the reader of a text allow. */
export interface TextPlace {
  /** Without quotes it is read as text, not as a number or a boolean. */
  readonly isText: boolean;
  /** Not a key, and not inside `[]` or `{}`. */
  readonly mayBeBlock: boolean;
}

/** Everything but what go-yaml writes as it is; a tab is not. */
const special = /[^\n\u0020-\u007e\u0085\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u;

/** Without quotes it would be read as a document marker, an indicator, a key or a comment. */
const indicator = /^(?:---|\.\.\.|[#,[\]{}&*!|>'"%@`]|[?:-](?:\s|$))|:(?:\s|$)|\s#/;

/** The style of a text, as Go chooses it. */
export function goStyle(text: string, { isText, mayBeBlock }: TextPlace): TextStyle {
  const isSpecial = special.test(text) || / [\n\u0085\u2028\u2029]/.test(text);
  if (text.includes('\n')) return mayBeBlock && !isSpecial && !text.endsWith(' ') ? 'literal' : 'double';
  if (!isText || isSpecial) return 'double';
  const isBare = text !== '' && !/^ | $|[\u0085\u2028\u2029]/.test(text) && !indicator.test(text);
  if (isBare) return 'plain';
  return /[\u0085\u2028\u2029] /.test(text) ? 'double' : 'single';
}
