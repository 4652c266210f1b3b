// The functions of Go templates, and how Go prints, compares and judges values. An integer is Go's int64, another number
// its float64; `undefined` is a field that is not there, or null. What Go's types would not allow is refused.
import { wrong } from './wrong.ts';

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @throws KbError KB_OUTPUT */
export function refuse(why: string, fix = 'correct the template'): never {
  throw wrong(why, fix);
}

/** Go's truth: not zero, not empty. */
export function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return isRecord(value) ? Object.keys(value).length > 0 : Boolean(value);
}

/** A value where the template prints it. */
export function printed(value: unknown): string {
  return value === undefined || value === null ? '<no value>' : verbV(value);
}

/** fmt's %v. */
function verbV(value: unknown): string {
  if (value === undefined || value === null) return '<nil>';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return number(value);
  if (Array.isArray(value)) return `[${value.map(verbV).join(' ')}]`;
  if (!isRecord(value)) return value === true ? 'true' : 'false';
  const keys = Object.keys(value).toSorted(byBytes);
  return `map[${keys.map((key) => `${key}:${verbV(value[key])}`).join(' ')}]`;
}

/** Integers in full; other numbers as %g: as few digits as tell them apart, an exponent from a million on and below 0.0001. */
function number(value: number): string {
  if (Number.isSafeInteger(value)) return String(value);
  const [digits = '', exponent = '0'] = value.toExponential().split('e');
  if (Number(exponent) >= -4 && Number(exponent) < 6) return plain(digits, Number(exponent));
  const sign = exponent.startsWith('-') ? '-' : '+';
  return `${digits}e${sign}${exponent.replace(/^[-+]/, '').padStart(2, '0')}`;
}

/** Digits with one before the point, and the power of ten, as a decimal. */
function plain(digits: string, exponent: number): string {
  const sign = digits.startsWith('-') ? '-' : '';
  const all = digits.replace(/^-/, '').replace('.', '');
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${all}`;
  const whole = all.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const rest = all.slice(exponent + 1);
  return `${sign}${whole}${rest === '' ? '' : `.${rest}`}`;
}

/** Go compares strings, and sorts keys, by their bytes. */
export function byBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

/** Go's %q. */
function quoted(text: string): string {
  const names: Readonly<Record<string, string>> = {
    '\\': '\\\\',
    '"': '\\"',
    '\u0007': '\\a',
    '\b': '\\b',
    '\f': '\\f',
    '\n': '\\n',
    '\r': '\\r',
    '\t': '\\t',
    '\v': '\\v',
  };
  const one = (char: string): string => {
    const known = names[char];
    if (known !== undefined) return known;
    const code = char.codePointAt(0) ?? 0;
    if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`;
    if (char === ' ' || /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(char)) return char;
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  };
  return `"${Array.from(text, one).join('')}"`;
}

/** %v, %s, %d, %t and %q with a width; anything else fmt knows is refused. */
function format(pattern: unknown, values: readonly unknown[]): string {
  if (typeof pattern !== 'string') return refuse('the format of printf is not a string');
  const left = [...values];
  const text = pattern.replaceAll(/%(-?)([1-9]\d*)?(.?)/gsu, (whole, dash: string, width: string | undefined, verb) => {
    if (whole === '%%') return '%';
    if (left.length === 0) return refuse(`printf ${JSON.stringify(pattern)} has too few arguments`);
    const value = left.shift();
    const one = byVerb(String(verb), value);
    // Go gives a width to each value inside of a list or map.
    if (one === undefined || (width !== undefined && typeof value === 'object')) {
      return refuse(`printf: ${JSON.stringify(whole)} is not supported for its argument`);
    }
    const fill = ' '.repeat(Math.max(0, Number(width ?? 0) - Array.from(one).length));
    return dash === '' ? fill + one : one + fill;
  });
  return left.length === 0 ? text : refuse(`printf ${JSON.stringify(pattern)} has too many arguments`);
}

function byVerb(verb: string, value: unknown): string | undefined {
  if (verb === 'v') return verbV(value);
  if (verb === 's' && typeof value === 'string') return value;
  if (verb === 'q' && typeof value === 'string') return quoted(value);
  if (verb === 'd' && Number.isSafeInteger(value)) return String(value);
  return verb === 't' && typeof value === 'boolean' ? String(value) : undefined;
}

/** fmt.Sprint: a blank between two operands when neither is a string. */
function sprint(values: readonly unknown[]): string {
  return values
    .map((value, place) => {
      const before = values[place - 1];
      const isApart = place > 0 && typeof value !== 'string' && typeof before !== 'string';
      return `${isApart ? ' ' : ''}${verbV(value)}`;
    })
    .join('');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
  '\0': '\uFFFD',
};

type Kind = 'bool' | 'int' | 'float' | 'string' | 'nothing' | 'other';

function kindOf(value: unknown): Kind {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  if (typeof value !== 'number') return 'other';
  return Number.isInteger(value) ? 'int' : 'float';
}

function isEqual(left: unknown, right: unknown): boolean {
  const [a, b] = [kindOf(left), kindOf(right)];
  // Nothing is equal to nothing, and to nothing else.
  if (a === 'nothing' || b === 'nothing') return a === b;
  if (a !== b || a === 'other') return refuse('values of these types cannot be compared');
  return left === right;
}

function isLess(left: unknown, right: unknown): boolean {
  if (typeof left === 'string' && typeof right === 'string') return byBytes(left, right) < 0;
  if (typeof left !== 'number' || typeof right !== 'number' || kindOf(left) !== kindOf(right)) {
    return refuse('values of these types have no order');
  }
  return left < right;
}

function index(value: unknown, key: unknown): unknown {
  if (Array.isArray(value)) {
    const list: readonly unknown[] = value;
    if (typeof key !== 'number' || !Number.isInteger(key)) return refuse('the index of a list is not an integer');
    if (key >= 0 && key < list.length) return list[key];
    return refuse(`the list has ${list.length} items, ${key} is out of range`, 'correct the index');
  }
  if (!isRecord(value)) return refuse('only lists and maps have an index');
  if (typeof key !== 'string') return refuse('the key of a map is not a string');
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  return isRecord(value) ? Object.keys(value).length : refuse('only strings, lists and maps have a length');
}

function decoded(value: unknown): string {
  if (typeof value !== 'string') return refuse('base64decode needs a string');
  // Go leaves line breaks out, and wants the padding.
  const text = value.replaceAll(/[\r\n]/g, '');
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes.toString('utf8') : refuse('base64decode: the text is not base64');
}

/** kubectl's: whether there is something at these keys. */
function exists(value: unknown, keys: readonly unknown[]): boolean {
  let here = value;
  for (const key of keys) {
    if (typeof here === 'string') return refuse('exists: a string has no keys here');
    if (Array.isArray(here) && typeof key === 'number' && Number.isInteger(key) && key >= 0) here = here[key];
    else if (isRecord(here) && typeof key === 'string' && Object.hasOwn(here, key)) here = here[key];
    else return false;
    if (here === undefined || here === null) return false;
  }
  return true;
}

interface GoFunction {
  readonly least: number;
  readonly most: number;
  readonly call: (...values: readonly unknown[]) => unknown;
}

function takes(least: number, most: number, call: GoFunction['call']): GoFunction {
  return { least, most, call };
}

const eager: Readonly<Record<string, GoFunction>> = {
  not: takes(1, 1, (value) => !isTrue(value)),
  eq: takes(2, Infinity, (first, ...others) => others.some((other) => isEqual(first, other))),
  ne: takes(2, 2, (left, right) => !isEqual(left, right)),
  lt: takes(2, 2, isLess),
  le: takes(2, 2, (left, right) => isLess(left, right) || isEqual(left, right)),
  gt: takes(2, 2, (left, right) => isLess(right, left)),
  ge: takes(2, 2, (left, right) => isLess(right, left) || isEqual(left, right)),
  len: takes(1, 1, lengthOf),
  index: takes(1, Infinity, (value, ...keys) => keys.reduce<unknown>(index, value)),
  print: takes(0, Infinity, (...values) => sprint(values)),
  println: takes(0, Infinity, (...values) => `${values.map(verbV).join(' ')}\n`),
  printf: takes(1, Infinity, (pattern, ...values) => format(pattern, values)),
  html: takes(0, Infinity, (...values) =>
    sprint(values.map((value) => value ?? printed(value))).replaceAll(/[&<>"'\0]/g, (char) => entities[char] ?? char),
  ),
  base64decode: takes(1, 1, decoded),
  exists: takes(1, Infinity, (value, ...keys) => exists(value, keys)),
};

/** Whether it is a function of this subset. */
export function isFunction(name: string): boolean {
  return name === 'and' || name === 'or' || Object.hasOwn(eager, name);
}

/** Arguments are worked out one by one: `and` and `or` leave out those that do not matter. @throws KbError KB_OUTPUT for what Go refuses too, and for what is outside of this subset */
export function callFunction(name: string, args: readonly (() => unknown)[]): unknown {
  if (name === 'and' || name === 'or') {
    if (args.length === 0) return refuse(`${name} has no argument`);
    let value: unknown;
    for (const arg of args) {
      value = arg();
      if (isTrue(value) === (name === 'or')) break;
    }
    return value;
  }
  const known = eager[name];
  if (known === undefined) return refuse(`unknown function ${name}`);
  if (args.length < known.least || args.length > known.most) {
    return refuse(`${name} has ${args.length} arguments, which is not what it takes`);
  }
  return known.call(...args.map((arg) => arg()));
}
