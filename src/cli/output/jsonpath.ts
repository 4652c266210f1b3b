// JSONPath templates as kubectl's (k8s.io/client-go/util/jsonpath): text with {paths}, {range …}{end} and quoted strings.
import { wrong } from './wrong.ts';

type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'wildcard' | 'recursive' | 'here' | 'root' }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'slice'; readonly from?: number; readonly to?: number; readonly by?: number }
  | { readonly kind: 'filter'; readonly left: Operand; readonly test: string; readonly right: Operand | undefined };

type Operand =
  { readonly kind: 'value'; readonly value: unknown } | { readonly kind: 'path'; readonly steps: readonly Step[] };

type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'paths'; readonly unions: readonly (readonly Step[])[] }
  | { readonly kind: 'range'; readonly steps: readonly Step[]; readonly parts: readonly Part[] };

/** A parsed template: as text, or as the values its paths lead to. */
export interface Jsonpath {
  text(root: unknown): string;
  values(root: unknown): readonly unknown[];
}

/** @throws KbError KB_OUTPUT when the template is none, or (unless allowed) a field is missing when it is used */
export function parseJsonpath(template: string, allowsMissing: boolean): Jsonpath {
  const reader = new Reader(template);
  const parts = reader.parts(false);
  return {
    text: (root) => parts.map((part) => render(part, root, root, allowsMissing)).join(''),
    values: (root) => parts.flatMap((part) => valuesOf(part, root, root, allowsMissing)),
  };
}

function bad(template: string, why: string): never {
  throw wrong(
    `${JSON.stringify(template)}: ${why}`,
    'write it like {.items[0].name} or {range .items[*]}{.name}{"\\n"}{end}',
  );
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Parts up to the end of the text, or up to {end}. */
  parts(isInRange: boolean): readonly Part[] {
    const parts: Part[] = [];
    for (;;) {
      const open = this.#text.indexOf('{', this.#at);
      const text = this.#text.slice(this.#at, open < 0 ? undefined : open);
      if (text !== '') parts.push({ kind: 'text', text });
      if (open < 0) {
        if (isInRange) bad(this.#text, 'a {range …} has no {end}');
        return parts;
      }
      this.#at = open + 1;
      const inside = this.#inside();
      if (inside === 'end') {
        if (!isInRange) bad(this.#text, '{end} ends no range');
        return parts;
      }
      parts.push(this.#part(inside));
    }
  }

  #part(inside: string): Part {
    const range = /^range\s+(.*)$/s.exec(inside)?.[1];
    if (range !== undefined) return { kind: 'range', steps: readSteps(range, this.#text), parts: this.parts(true) };
    const literal = literalOf(inside);
    if (literal !== undefined) return { kind: 'text', text: String(literal) };
    return { kind: 'paths', unions: pathsOf(inside).map((path) => readSteps(path, this.#text)) };
  }

  /** What stands before the closing brace; braces in quotes and brackets do not count. */
  #inside(): string {
    let quote = '';
    for (let index = this.#at; index < this.#text.length; index++) {
      const char = this.#text[index] ?? '';
      if (quote !== '') {
        if (char === '\\') index++;
        else if (char === quote) quote = '';
      } else if (char === '"' || char === "'") quote = char;
      else if (char === '}') {
        const inside = this.#text.slice(this.#at, index).trim();
        this.#at = index + 1;
        return inside;
      }
    }
    return bad(this.#text, 'a brace is not closed');
  }
}

/** `.a .b` are two paths; a space between brackets is part of one. */
function pathsOf(inside: string): readonly string[] {
  return inside.match(/(?:\[[^\]]*\]|\S)+/g) ?? [];
}

/** A quoted string, a number, true or false; undefined for a path. */
function literalOf(text: string): string | number | boolean | undefined {
  if (/^"(?:[^"\\]|\\.)*"$/s.test(text)) return unquote(text.slice(1, -1));
  if (/^'(?:[^'\\]|\\.)*'$/s.test(text)) return unquote(text.slice(1, -1));
  if (/^-?\d+(?:\.\d+)?$/.test(text)) return Number(text);
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

function unquote(text: string): string {
  return text.replaceAll(/\\(.)/gs, (_, char: string) => escapes[char] ?? char);
}

const stepPattern =
  /^(?:(\$)|(@)|(\.\.)|\.?\*|\.?\[\*\]|\.?\[(-?\d+)\]|\.?\['([^']*)'\]|\.?\["([^"]*)"\]|\.?\[(-?\d*):(-?\d*)(?::(-?\d*))?\]|\.?\[\?\((.*?)\)\]|\.?((?:[^.[\]\s\\{}$@*]|\\.)+)|(\.))/s;

function readSteps(path: string, template: string): readonly Step[] {
  const steps: Step[] = [];
  let rest = path.trim();
  while (rest !== '') {
    const match = stepPattern.exec(rest);
    if (match === null) return bad(template, `${JSON.stringify(rest)} is not a path`);
    rest = rest.slice(match[0].length);
    const step = stepOf(match, template);
    if (step !== undefined) steps.push(step);
  }
  return steps;
}

function stepOf(match: RegExpExecArray, template: string): Step | undefined {
  const [all, root, here, recursive, index, single, double, from, to, by, filter, field, dot] = match;
  if (root !== undefined) return { kind: 'root' };
  if (here !== undefined) return { kind: 'here' };
  if (recursive !== undefined) return { kind: 'recursive' };
  if (dot !== undefined) return undefined;
  if (index !== undefined) return { kind: 'index', index: Number(index) };
  const name = single ?? double ?? field?.replaceAll(/\\(.)/gs, '$1');
  if (name !== undefined) return { kind: 'field', name };
  if (filter !== undefined) return filterOf(filter, template);
  if (!all.includes(':')) return { kind: 'wildcard' };
  const number = (text: string | undefined): number | undefined =>
    text === undefined || text === '' ? undefined : Number(text);
  const [first, last, stride] = [number(from), number(to), number(by)];
  return {
    kind: 'slice',
    ...(first !== undefined && { from: first }),
    ...(last !== undefined && { to: last }),
    ...(stride !== undefined && { by: stride }),
  };
}

function filterOf(text: string, template: string): Step {
  const match = /^(.+?)\s*(==|!=|<=|>=|<|>)\s*(.+)$/s.exec(text);
  if (match === null) return { kind: 'filter', left: operandOf(text, template), test: 'exists', right: undefined };
  const [, left = '', test = '', right = ''] = match;
  return { kind: 'filter', left: operandOf(left, template), test, right: operandOf(right, template) };
}

function operandOf(text: string, template: string): Operand {
  const value = literalOf(text.trim());
  return value === undefined ? { kind: 'path', steps: readSteps(text, template) } : { kind: 'value', value };
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** Every value below and including a value, parents first. */
function descend(value: unknown): readonly unknown[] {
  return isRecord(value) ? [value, ...Object.values(value).flatMap(descend)] : [value];
}

function follow(steps: readonly Step[], here: unknown, root: unknown, allowsMissing: boolean): readonly unknown[] {
  let current: readonly unknown[] = [here];
  let isDeep = false;
  for (const step of steps) {
    if (step.kind === 'recursive') {
      current = current.flatMap(descend);
      isDeep = true;
      continue;
    }
    const isLenient = allowsMissing || isDeep;
    current = current.flatMap((value) => take(step, value, root, isLenient));
  }
  return current;
}

function take(step: Step, value: unknown, root: unknown, allowsMissing: boolean): readonly unknown[] {
  switch (step.kind) {
    case 'root':
      return [root];
    case 'here':
    case 'recursive':
      return [value];
    case 'wildcard':
      return isRecord(value) ? Object.values(value) : [];
    case 'field':
      if (isRecord(value) && !Array.isArray(value) && Object.hasOwn(value, step.name)) return [value[step.name]];
      if (allowsMissing) return [];
      throw wrong(`${step.name} is not found`, 'correct the path, or allow missing keys');
    case 'index':
      return element(value, step.index);
    case 'slice':
      return slice(value, step);
    case 'filter':
      return Array.isArray(value) ? value.filter((item) => holds(step, item, root)) : [];
    default:
      step satisfies never;
      return [];
  }
}

function element(value: unknown, index: number): readonly unknown[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  const at = index < 0 ? list.length + index : index;
  if (at >= 0 && at < list.length) return [list[at]];
  throw wrong(`the list has ${list.length} items, ${index} is not one of them`, 'correct the index');
}

function slice(value: unknown, { from, to, by }: Extract<Step, { kind: 'slice' }>): readonly unknown[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  const stride = by ?? 1;
  return stride < 1 ? [] : list.slice(from, to).filter((_, index) => index % stride === 0);
}

function holds(step: Extract<Step, { kind: 'filter' }>, item: unknown, root: unknown): boolean {
  const valueOf = (operand: Operand): unknown =>
    operand.kind === 'value' ? operand.value : follow(operand.steps, item, root, true)[0];
  const left = valueOf(step.left);
  if (step.right === undefined) return left !== undefined;
  const right = valueOf(step.right);
  if (step.test === '==') return left === right;
  if (step.test === '!=') return left !== right;
  const isOrdered =
    (typeof left === 'number' && typeof right === 'number') || (typeof left === 'string' && typeof right === 'string');
  if (!isOrdered) return false;
  if (step.test === '<') return left < right;
  if (step.test === '<=') return left <= right;
  return step.test === '>' ? left > right : left >= right;
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function render(part: Part, here: unknown, root: unknown, allowsMissing: boolean): string {
  switch (part.kind) {
    case 'text':
      return part.text;
    case 'paths':
      return part.unions
        .flatMap((steps) => follow(steps, here, root, allowsMissing))
        .map(shown)
        .join(' ');
    case 'range':
      return items(part.steps, here, root, allowsMissing)
        .map((item) => part.parts.map((inner) => render(inner, item, root, allowsMissing)).join(''))
        .join('');
    default:
      part satisfies never;
      return '';
  }
}

/** A range over a list that was not spread with [*] goes over its items all the same. */
function items(steps: readonly Step[], here: unknown, root: unknown, allowsMissing: boolean): readonly unknown[] {
  return follow(steps, here, root, allowsMissing).flatMap((value) =>
    Array.isArray(value) ? Array.from<unknown>(value) : [value],
  );
}

function valuesOf(part: Part, here: unknown, root: unknown, allowsMissing: boolean): readonly unknown[] {
  switch (part.kind) {
    case 'text':
      return [];
    case 'paths':
      return part.unions.flatMap((steps) => follow(steps, here, root, allowsMissing));
    case 'range':
      return items(part.steps, here, root, allowsMissing).flatMap((item) =>
        part.parts.flatMap((inner) => valuesOf(inner, item, root, allowsMissing)),
      );
    default:
      part satisfies never;
      return [];
  }
}
