// The one YAML reader and writer. Reads YAML 1.2; writes what Go's YAML 1.1 reader understands the same way.
import {
  DEFAULT_SCALAR_STYLE_RULES,
  DUMP_SCHEMA,
  EVENT_ID,
  NOT_RESOLVED,
  SCALAR_STYLE,
  YAMLException,
  defineScalarTag,
  dump,
  getScalarValue,
  parseEvents,
  type Event,
  type ScalarEvent,
  type ScalarStyleRule,
} from 'js-yaml';
import { hasSteering } from './invisible.ts';
import { goStyle } from './yaml-style.ts';

/** A text that cannot be read. */
class YamlError extends Error {
  /** What is wrong without a word of the text, which may hold a secret. */
  readonly withoutText: string;

  constructor({ line, message, isLimit }: YamlNote) {
    super(`line ${line}: ${message}`);
    this.name = 'YamlError';
    this.withoutText = isLimit === true ? this.message : `line ${line}`;
  }
}

/** Where a text is not YAML, and why where that quotes nothing of it. */
export function withoutText(error: unknown): string {
  return error instanceof YamlError ? error.withoutText : 'line unknown';
}

/** All documents of a text, under the same limits whoever wrote it; an empty one is null. @throws YamlError */
export function readYamlAll(text: string): readonly unknown[] {
  const { documents, notes } = readYamlFile(text);
  const broken = notes.find(({ kind }) => kind === 'broken');
  if (broken !== undefined) throw new YamlError(broken);
  return documents.map(({ value }) => value);
}

/** The one document of a text; undefined for an empty text. @throws YamlError */
export function readYaml(text: string): unknown {
  const [document, ...others] = readYamlAll(text);
  if (others.length > 0) {
    throw new YamlError({
      kind: 'broken',
      path: [],
      line: 1,
      message: 'there is more than one document',
      isLimit: true,
    });
  }
  return document;
}

/** What Go's YAML takes for a number: it drops every `_` and lets strconv judge the rest, `-_0` and `0X1F` included. */
function isGoNumber(text: string): boolean {
  const plain = text.replaceAll('_', '');
  return (
    /^[-+]?0(?:[xX][\da-fA-F]+|[bB][01]+|[oO]?[0-7]+)$/.test(plain) ||
    /^[-+]?(?:\d*\.?\d+|\d+\.)(?:[eE][-+]?\d+)?$/.test(plain)
  );
}

/** Text that matches is quoted; nothing is ever written as this. */
const goNumber = defineScalarTag('!go-number', {
  implicit: true,
  implicitFirstChars: '- + . 0 1 2 3 4 5 6 7 8 9'.split(' '),
  // A date too, also one such as 2001-1-1.
  resolve: (text) => (isGoNumber(text) || /^\d{4}-\d{1,2}-\d{1,2}$/.test(text) ? text : NOT_RESOLVED),
  identify: () => false,
});
const goSchema = DUMP_SCHEMA.withTags(goNumber);

const styles = {
  plain: SCALAR_STYLE.PLAIN,
  single: SCALAR_STYLE.SINGLE_QUOTED,
  double: SCALAR_STYLE.DOUBLE_QUOTED,
  literal: SCALAR_STYLE.LITERAL_BLOCK,
} as const;

const asGo: ScalarStyleRule = (layout) => {
  const { schema } = layout.presenterOptions;
  const { value, tag } = layout.node;
  if (tag !== schema.defaultScalarTag.tagName) return;
  const isText = schema.resolveImplicitScalarTag(value).tag.tagName === tag;
  layout.style = styles[goStyle(value, { isText, mayBeBlock: !layout.isKey && !layout.flowOnly })];
};

/** Block style, keys sorted, no line folding: the look of kubeadm's own files; what nobody sees is escaped. */
export function writeYaml(value: unknown): string {
  const text = dumped(value);
  if (!hasSteering(text)) return text;
  // A C0 character makes the writer quote the text; the escape that stands for it becomes that of the character itself.
  return dumped(markedDeep(value)).replaceAll(/\\x01([0-9a-f]{4,8})\\x02/g, (_, hex: string) =>
    hex.length > 4 ? `\\U${hex}` : `\\u${hex}`,
  );
}

function markedDeep(value: unknown): unknown {
  if (typeof value === 'string') return marked(value);
  if (Array.isArray(value)) return value.map(markedDeep);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [marked(key), markedDeep(item)]));
}

function marked(text: string): string {
  return text.replaceAll(/./gsu, (one) => (hasSteering(one) ? mark(one) : one));
}

function mark(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16);
  return `\u0001${hex.padStart(hex.length > 4 ? 8 : 4, '0')}\u0002`;
}

function dumped(value: unknown): string {
  return dump(value, {
    schema: goSchema,
    seqNoIndent: true,
    // The last one sees to it that what is written can be read.
    scalarStyleRules: [asGo, DEFAULT_SCALAR_STYLE_RULES.fallbackToDoubleQuoted],
    lineWidth: -1,
    noRefs: true,
    sortKeys: true,
  });
}

/** Where something is inside a document. */
export type YamlPath = readonly (string | number)[];

/** Something a reader must be told about a file. */
interface YamlNote {
  /** `duplicate`: the last one counts, as in Go. `ambiguous`: YAML 1.1 and 1.2 read it differently. `broken`: not readable. */
  readonly kind: 'duplicate' | 'ambiguous' | 'broken';
  readonly path: YamlPath;
  /** Counted from 1. */
  readonly line: number;
  readonly message: string;
  /** The text is too much, whatever it says. */
  readonly isLimit?: boolean;
}

export interface YamlDocument {
  /** Plain objects, arrays, strings, numbers, booleans, null. */
  readonly value: unknown;
  /** The line of a path, or of the nearest thing above it that the file has. */
  lineOf(path: YamlPath): number;
}

export interface YamlFile {
  readonly documents: readonly YamlDocument[];
  readonly notes: readonly YamlNote[];
}

/** `nodeRegistration.taints[0].key` */
export function formatPath(path: YamlPath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

/** A document may not grow beyond this by repeating aliases. */
const largestNodeCount = 100_000;

/** What YAML 1.1 (Go's and everybody else's) makes of a plain scalar when it is not what YAML 1.2 makes of it. */
const ambiguous: readonly (readonly [RegExp, string])[] = [
  [/^(?:y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF)$/, 'a boolean in YAML 1.1, text in YAML 1.2'],
  [/^[-+]?0\d[\d_]*$/, 'an octal number in YAML 1.1, a decimal one in YAML 1.2'],
  [/^[-+]?0(?:o[0-7]+|b[01_]+)$/, 'not the same number in YAML 1.1 and 1.2'],
  [/^[-+]?(?:0x[\da-f_]*_[\da-f_]*|[\d][\d_]*_[\d_]*(?:\.[\d_]*)?)$/i, 'a number in YAML 1.1, text in YAML 1.2'],
  [/^[-+]?(?!\d*\.\d*e[-+])\d*\.?\d+\.?e[-+]?\d+$/i, 'text in YAML 1.1, a number in YAML 1.2'],
  [/^[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?$/, 'a base 60 number in YAML 1.1, text in YAML 1.2'],
];

function ambiguity(text: string): string | undefined {
  return ambiguous.find(([pattern]) => pattern.test(text))?.[1];
}

/** The core schema of YAML 1.2 (§10.3.2). */
function resolvePlain(text: string): unknown {
  if (/^(?:null|Null|NULL|~|)$/.test(text)) return null;
  if (/^(?:true|True|TRUE)$/.test(text)) return true;
  if (/^(?:false|False|FALSE)$/.test(text)) return false;
  if (/^[-+]?\d+$/.test(text) || /^0x[\da-fA-F]+$/.test(text)) return Number(text);
  if (/^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/.test(text)) return Number(text);
  return text;
}

interface Node {
  readonly value: unknown;
  /** How many nodes it is, aliases counted in full. */
  readonly size: number;
}

/** Thrown inside the composer only: what is wrong cannot be read around. */
class Unreadable extends Error {
  readonly position: number;
  readonly isLimit: boolean;
  constructor(message: string, position: number, isLimit = false) {
    super(message);
    this.position = position;
    this.isLimit = isLimit;
  }
}

/** Builds values from js-yaml's events and remembers on which line each path began. */
class Composer {
  readonly documents: YamlDocument[] = [];
  readonly notes: YamlNote[] = [];
  readonly #source: string;
  readonly #events: readonly Event[];
  readonly #lineStarts: readonly number[];
  #next = 0;
  #anchors = new Map<string, Node>();
  #lines = new Map<string, number>();
  #size = 0;

  constructor(source: string, events: readonly Event[]) {
    this.#source = source;
    this.#events = events;
    this.#lineStarts = [0, ...[...source.matchAll(/\r\n|\r|\n/g)].map((m) => m.index + m[0].length)];
  }

  run(): void {
    while (this.#next < this.#events.length) {
      this.#next++;
      this.#anchors = new Map();
      this.#size = 0;
      const lines = new Map<string, number>();
      this.#lines = lines;
      const node = this.#node([]);
      this.#next++;
      this.documents.push({ value: node.value, lineOf: (path) => nearestLine(lines, path) });
    }
  }

  lineAt(position: number): number {
    let [low, high] = [0, this.#lineStarts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#lineStarts[middle] ?? 0) <= position) low = middle;
      else high = middle;
    }
    return low + 1;
  }

  #node(path: YamlPath): Node {
    const event = this.#events[this.#next++];
    if (event === undefined) throw new Unreadable('the document ends too early', this.#source.length);
    const node = this.#compose(event, path);
    this.#size += event.type === EVENT_ID.ALIAS ? node.size : 1;
    if (this.#size > largestNodeCount) {
      throw new Unreadable(`it grows beyond ${largestNodeCount} values by its aliases`, positionOf(event), true);
    }
    return node;
  }

  #compose(event: Event, path: YamlPath): Node {
    const start = positionOf(event);
    if (start >= 0 && !this.#lines.has(keyOf(path))) this.#lines.set(keyOf(path), this.lineAt(start));
    switch (event.type) {
      case EVENT_ID.ALIAS:
        return this.#alias(this.#source.slice(event.anchorStart, event.anchorEnd), start);
      case EVENT_ID.SCALAR:
        return this.#anchored(event, { value: this.#scalar(event, path), size: 1 });
      case EVENT_ID.SEQUENCE:
        this.#refuseTag(event, ['!!seq']);
        return this.#anchored(event, this.#sequence(path));
      case EVENT_ID.MAPPING:
        this.#refuseTag(event, ['!!map']);
        return this.#anchored(event, this.#mapping(path));
      case EVENT_ID.DOCUMENT:
      case EVENT_ID.POP:
        break;
    }
    throw new Unreadable('the document ends too early', start);
  }

  #alias(name: string, position: number): Node {
    const node = this.#anchors.get(name);
    if (node === undefined) throw new Unreadable(`no anchor &${name} before this alias`, position);
    return node;
  }

  #anchored(event: { readonly anchorStart: number; readonly anchorEnd: number }, node: Node): Node {
    if (event.anchorStart >= 0) this.#anchors.set(this.#source.slice(event.anchorStart, event.anchorEnd), node);
    return node;
  }

  #refuseTag(event: { readonly tagStart: number; readonly tagEnd: number }, known: readonly string[]): string {
    const tag = event.tagStart < 0 ? '' : this.#source.slice(event.tagStart, event.tagEnd);
    if (tag !== '' && !known.includes(tag)) throw new Unreadable(`the tag ${tag} is not supported`, event.tagStart);
    return tag;
  }

  #scalar(event: ScalarEvent, path: YamlPath): unknown {
    const tag = this.#refuseTag(event, ['!', '!!str', '!!int', '!!float', '!!bool', '!!null']);
    const text = getScalarValue(this.#source, event);
    if (event.style !== SCALAR_STYLE.PLAIN || tag === '!' || tag === '!!str') return text;
    const doubt = ambiguity(text);
    if (doubt !== undefined) {
      const line = this.lineAt(event.valueStart);
      this.notes.push({ kind: 'ambiguous', path, line, message: `${text} is ${doubt}` });
    }
    return resolvePlain(text);
  }

  #sequence(path: YamlPath): Node {
    const items: Node[] = [];
    while (this.#events[this.#next]?.type !== EVENT_ID.POP) items.push(this.#node([...path, items.length]));
    this.#next++;
    return { value: items.map((item) => item.value), size: items.reduce((sum, item) => sum + item.size, 1) };
  }

  #mapping(path: YamlPath): Node {
    const entries = new Map<string, unknown>();
    const merged: unknown[] = [];
    let size = 1;
    while (this.#events[this.#next]?.type !== EVENT_ID.POP) {
      const keyEvent = this.#events[this.#next++];
      const key = this.#key(keyEvent, path);
      const isMerge = key === '<<' && keyEvent?.type === EVENT_ID.SCALAR && keyEvent.style === SCALAR_STYLE.PLAIN;
      const here = keyEvent === undefined ? 0 : positionOf(keyEvent);
      if (entries.has(key)) this.#duplicate(key, path, here);
      const child = isMerge ? path : [...path, key];
      if (!isMerge) this.#forget(child, this.lineAt(here));
      const node = this.#node(child);
      size += node.size;
      if (isMerge) merged.push(...this.#mergeable(node.value, here));
      else entries.set(key, node.value);
    }
    this.#next++;
    return { value: Object.assign({}, ...merged.toReversed(), Object.fromEntries(entries)), size };
  }

  #mergeable(value: unknown, position: number): readonly unknown[] {
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (list.every((item) => typeof item === 'object' && item !== null && !Array.isArray(item))) return list;
    throw new Unreadable('<< takes a mapping or a list of mappings', position);
  }

  #duplicate(key: string, path: YamlPath, position: number): void {
    const line = this.lineAt(position);
    this.notes.push({ kind: 'duplicate', path: [...path, key], line, message: `the key "${key}" is there twice` });
  }

  /** A key given again begins anew: the lines below its first value do not count. */
  #forget(path: YamlPath, line: number): void {
    this.#lines.set(keyOf(path), line);
  }

  #key(event: Event | undefined, path: YamlPath): string {
    if (event?.type !== EVENT_ID.SCALAR) {
      throw new Unreadable('a key must be text', event === undefined ? 0 : positionOf(event));
    }
    const text = getScalarValue(this.#source, event);
    if (text === '__proto__') throw new Unreadable('the key __proto__ is not allowed', event.valueStart);
    this.#anchored(event, { value: this.#scalar(event, [...path, text]), size: 1 });
    return text;
  }
}

function positionOf(event: Event): number {
  switch (event.type) {
    case EVENT_ID.SCALAR:
      return event.valueStart;
    case EVENT_ID.SEQUENCE:
    case EVENT_ID.MAPPING:
      return event.start;
    case EVENT_ID.ALIAS:
      return event.anchorStart;
    case EVENT_ID.DOCUMENT:
    case EVENT_ID.POP:
      break;
  }
  return -1;
}

const keyOf = (path: YamlPath): string => path.join('\0');

function nearestLine(lines: ReadonlyMap<string, number>, path: YamlPath): number {
  for (let length = path.length; length >= 0; length--) {
    const line = lines.get(keyOf(path.slice(0, length)));
    if (line !== undefined) return line;
  }
  return 1;
}

/**
 * All documents of a file with the line of every value. Never throws for what a file may hold: what is wrong is in the notes,
 * and a file that cannot be read has no documents.
 */
export function readYamlFile(text: string): YamlFile {
  let events: readonly Event[];
  try {
    events = parseEvents(text, {});
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const line = (error.mark?.line ?? 0) + 1;
    const isLimit = error.reason.includes('exceeded');
    const message = isLimit ? 'it is nested too deep' : error.reason;
    return { documents: [], notes: [{ kind: 'broken', path: [], line, message, isLimit }] };
  }
  const composer = new Composer(text, events);
  try {
    composer.run();
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const line = composer.lineAt(Math.max(0, error.position));
    return {
      documents: [],
      notes: [{ kind: 'broken', path: [], line, message: error.message, isLimit: error.isLimit }],
    };
  }
  return { documents: composer.documents, notes: composer.notes };
}
