// Go templates, the part of text/template that printing an object needs: fields, range, if, with, variables, pipes, a few functions.
import { wrong } from './wrong.ts';

type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'pipe'; readonly pipe: Pipe }
  | { readonly kind: 'set'; readonly name: string; readonly pipe: Pipe }
  | {
      readonly kind: 'range' | 'if' | 'with';
      readonly names: readonly string[];
      readonly pipe: Pipe;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    };

/** Commands, each getting the value of the one before as its last argument. */
type Pipe = readonly (readonly Term[])[];

type Term =
  | { readonly kind: 'literal'; readonly value: unknown }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'path'; readonly variable: string | undefined; readonly fields: readonly string[] }
  | { readonly kind: 'group'; readonly pipe: Pipe; readonly fields: readonly string[] };

interface Scope {
  readonly dot: unknown;
  readonly variables: Map<string, unknown>;
}

/** @throws KbError KB_OUTPUT when the template is none, or (unless allowed) a key is missing when it is used */
export function parseTemplate(text: string, allowsMissing: boolean): (root: unknown) => string {
  const nodes = new Parser(text).document();
  const runner = new Runner(text, allowsMissing);
  return (root) => runner.all(nodes, { dot: root, variables: new Map([['', root]]) });
}

function bad(template: string, why: string): never {
  throw wrong(`${JSON.stringify(template)}: ${why}`, 'write it like {{range .images}}{{.}}{{"\\n"}}{{end}}');
}

const tokenPattern =
  /\s*("(?:[^"\\]|\\.)*"|`[^`]*`|:=|=|,|\||\(|\)(?:\.[\w]+)*|-?\d+(?:\.\d+)?|\$\w*(?:\.\w+)*|(?:\.\w+)+|\.|\w+)/y;

/** The words of one action. */
function tokensOf(action: string, template: string): string[] {
  const tokens: string[] = [];
  tokenPattern.lastIndex = 0;
  while (action.slice(tokenPattern.lastIndex).trim() !== '') {
    const match = tokenPattern.exec(action);
    if (match === null) return bad(template, `{{${action}}} cannot be read`);
    tokens.push(match[1] ?? '');
  }
  return tokens;
}

class Parser {
  readonly #template: string;
  readonly #pieces: readonly string[];
  #next = 0;

  constructor(template: string) {
    this.#template = template;
    // Dashes at the braces eat the white space on their side.
    const trimmed = template.replaceAll(/\s*\{\{- /g, '{{ ').replaceAll(/ -\}\}\s*/g, ' }}');
    // Text and actions in turn; braces in quotes do not end an action.
    this.#pieces = trimmed.split(/(\{\{(?:"(?:[^"\\]|\\.)*"|`[^`]*`|[^"`}]|\}(?!\}))*\}\})/s);
  }

  document(): readonly Node[] {
    const { nodes, end } = this.#block();
    if (end !== undefined) bad(this.#template, `{{${end}}} has no beginning`);
    return nodes;
  }

  /** Nodes up to an `end` or `else`, which is returned too. */
  #block(): { readonly nodes: readonly Node[]; readonly end: string | undefined } {
    const nodes: Node[] = [];
    while (this.#next < this.#pieces.length) {
      const piece = this.#pieces[this.#next++] ?? '';
      if (!piece.startsWith('{{')) {
        if (piece.includes('{{')) bad(this.#template, 'an action is not closed');
        if (piece !== '') nodes.push({ kind: 'text', text: piece });
        continue;
      }
      if (!piece.endsWith('}}')) bad(this.#template, 'an action is not closed');
      const action = piece.slice(2, -2).trim();
      if (action === 'end' || action === 'else' || action.startsWith('else ')) return { nodes, end: action };
      if (!action.startsWith('/*')) nodes.push(this.#action(action));
    }
    return { nodes, end: undefined };
  }

  #action(action: string): Node {
    const keyword = /^(range|if|with)\b(.*)$/s.exec(action);
    if (keyword === null) {
      const { names, pipe } = this.#pipeline(action);
      return names[0] === undefined ? { kind: 'pipe', pipe } : { kind: 'set', name: names[0], pipe };
    }
    const [, kind, rest = ''] = keyword;
    const { names, pipe } = this.#pipeline(rest);
    const { body, otherwise } = this.#branches();
    return { kind: kind === 'range' ? 'range' : kind === 'if' ? 'if' : 'with', names, pipe, body, otherwise };
  }

  #branches(): { readonly body: readonly Node[]; readonly otherwise: readonly Node[] } {
    const { nodes: body, end } = this.#block();
    if (end === undefined) return bad(this.#template, 'an {{end}} is missing');
    if (end === 'end') return { body, otherwise: [] };
    const chained = /^else\s+(if\b.*)$/s.exec(end)?.[1];
    if (chained !== undefined) return { body, otherwise: [this.#action(chained)] };
    const { nodes: otherwise, end: last } = this.#block();
    if (last !== 'end') bad(this.#template, 'an {{end}} is missing');
    return { body, otherwise };
  }

  #pipeline(action: string): { readonly names: readonly string[]; readonly pipe: Pipe } {
    const tokens = tokensOf(action, this.#template);
    const assign = tokens.findIndex((token) => token === ':=' || token === '=');
    const names = tokens.slice(0, Math.max(0, assign)).filter((token) => token !== ',');
    const rest = tokens.slice(assign + 1);
    const pipe = this.#pipe(rest);
    if (rest.length > 0) bad(this.#template, `{{${action}}} cannot be read`);
    return { names: names.map((name) => name.slice(1)), pipe };
  }

  /** Takes the tokens of a pipeline off the front. */
  #pipe(tokens: string[]): Pipe {
    const commands: Term[][] = [[]];
    while (tokens.length > 0 && !tokens[0]?.startsWith(')')) {
      const token = tokens.shift() ?? '';
      if (token === '|') commands.push([]);
      else commands.at(-1)?.push(this.#term(token, tokens));
    }
    if (commands.some((command) => command.length === 0)) bad(this.#template, 'a command is missing');
    return commands;
  }

  #term(token: string, rest: string[]): Term {
    if (token === '(') {
      const pipe = this.#pipe(rest);
      const close = rest.shift();
      if (close === undefined) return bad(this.#template, 'a parenthesis is not closed');
      return { kind: 'group', pipe, fields: close.split('.').slice(1) };
    }
    if (token.startsWith('"')) return { kind: 'literal', value: JSON.parse(token) };
    if (token.startsWith('`')) return { kind: 'literal', value: token.slice(1, -1) };
    if (/^-?\d/.test(token)) return { kind: 'literal', value: Number(token) };
    if (token === 'true' || token === 'false') return { kind: 'literal', value: token === 'true' };
    if (token === 'nil') return { kind: 'literal', value: undefined };
    const [first = '', ...fields] = token.split('.');
    if (first.startsWith('$')) return { kind: 'path', variable: first.slice(1), fields };
    if (first === '') return { kind: 'path', variable: undefined, fields: fields.filter((field) => field !== '') };
    if (Object.hasOwn(functions, token)) return { kind: 'function', name: token };
    return bad(this.#template, `there is no function ${token}`);
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** Go's truth: not zero, not empty. */
function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return isRecord(value) ? Object.keys(value).length > 0 : Boolean(value);
}

/** A value as fmt prints it with %v. */
function shown(value: unknown): string {
  if (value === undefined) return '<no value>';
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(shown).join(' ')}]`;
  if (typeof value === 'string') return value;
  if (!isRecord(value)) return JSON.stringify(value);
  const keys = Object.keys(value).toSorted();
  return `map[${keys.map((key) => `${key}:${shown(value[key])}`).join(' ')}]`;
}

function at(value: unknown, key: unknown): unknown {
  if (Array.isArray(value)) {
    const list: readonly unknown[] = value;
    if (typeof key === 'number' && key >= 0 && key < list.length) return list[key];
    throw wrong(`the list has ${list.length} items, ${String(key)} is not one of them`, 'correct the index');
  }
  return isRecord(value) ? value[String(key)] : undefined;
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  return isRecord(value) ? Object.keys(value).length : 0;
}

/** A field that is not there is `<no value>` in the text and nil to a function. */
function argument(value: unknown): string {
  return value === undefined ? '<nil>' : shown(value);
}

/** The verbs of fmt that templates use. */
function format(pattern: unknown, values: readonly unknown[]): string {
  const left = [...values];
  return String(pattern).replaceAll(/%([-\d]*)([vsdq%])/g, (_, width: string, verb: string) => {
    if (verb === '%') return '%';
    const value = left.shift();
    const text = verb === 'q' ? JSON.stringify(String(value)) : argument(value);
    return width.startsWith('-') ? text.padEnd(Number(width.slice(1))) : text.padStart(Number(width));
  });
}

function ordered(test: (order: number) => boolean): (...values: readonly unknown[]) => boolean {
  return (left, right) => test(Number(left) - Number(right));
}

const functions: Readonly<Record<string, (...values: readonly unknown[]) => unknown>> = {
  and: (...values) => values.find((value) => !isTrue(value)) ?? values.at(-1),
  or: (...values) => values.find(isTrue) ?? values.at(-1),
  not: (value) => !isTrue(value),
  eq: (first, ...others) => others.some((other) => other === first),
  ne: (left, right) => left !== right,
  lt: ordered((order) => order < 0),
  le: ordered((order) => order <= 0),
  gt: ordered((order) => order > 0),
  ge: ordered((order) => order >= 0),
  len: lengthOf,
  index: (value, ...keys) => keys.reduce<unknown>(at, value),
  print: (...values) => values.map(argument).join(''),
  println: (...values) => `${values.map(argument).join(' ')}\n`,
  printf: (pattern, ...values) => format(pattern, values),
  html: (...values) =>
    values
      .map(shown)
      .join('')
      .replaceAll(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`),
  base64decode: (text) => Buffer.from(String(text), 'base64').toString('utf8'),
  exists: (value, ...keys) =>
    keys.reduce<unknown>((here, key) => (isRecord(here) ? here[String(key)] : undefined), value) !== undefined,
};

class Runner {
  readonly #template: string;
  readonly #allowsMissing: boolean;

  constructor(template: string, allowsMissing: boolean) {
    this.#template = template;
    this.#allowsMissing = allowsMissing;
  }

  all(nodes: readonly Node[], scope: Scope): string {
    return nodes.map((node) => this.#one(node, scope)).join('');
  }

  #one(node: Node, scope: Scope): string {
    switch (node.kind) {
      case 'text':
        return node.text;
      case 'pipe':
        return shown(this.#value(node.pipe, scope));
      case 'set':
        scope.variables.set(node.name, this.#value(node.pipe, scope));
        return '';
      case 'range':
        return this.#range(node, scope);
      case 'if':
      case 'with': {
        const value = this.#value(node.pipe, scope);
        const inner = this.#inner(scope, node.kind === 'with' && isTrue(value) ? value : scope.dot);
        if (node.names[0] !== undefined) inner.variables.set(node.names[0], value);
        return this.all(isTrue(value) ? node.body : node.otherwise, inner);
      }
      default:
        node satisfies never;
        return '';
    }
  }

  #range(node: Extract<Node, { kind: 'range' | 'if' | 'with' }>, scope: Scope): string {
    const value = this.#value(node.pipe, scope);
    const entries: readonly (readonly [unknown, unknown])[] = Array.isArray(value)
      ? Array.from<unknown>(value).map((item, index) => [index, item] as const)
      : isRecord(value)
        ? Object.keys(value)
            .toSorted()
            .map((key) => [key, value[key]] as const)
        : [];
    if (entries.length === 0) return this.all(node.otherwise, this.#inner(scope, scope.dot));
    const bodies = entries.map(([key, item]) => {
      const inner = this.#inner(scope, item);
      const [first, second] = node.names;
      if (second !== undefined) inner.variables.set(second, item);
      if (first !== undefined) inner.variables.set(first, second === undefined ? item : key);
      return this.all(node.body, inner);
    });
    return bodies.join('');
  }

  #inner(scope: Scope, dot: unknown): Scope {
    return { dot, variables: new Map(scope.variables) };
  }

  #value(pipe: Pipe, scope: Scope): unknown {
    let last: readonly unknown[] = [];
    for (const command of pipe) last = [this.#command(command, last, scope)];
    return last[0];
  }

  #command([first, ...others]: readonly Term[], piped: readonly unknown[], scope: Scope): unknown {
    if (first === undefined) return undefined;
    const values = [...others.map((term) => this.#term(term, scope)), ...piped];
    if (first.kind === 'function') return functions[first.name]?.(...values);
    if (values.length > 0) return bad(this.#template, 'something that is no function has arguments');
    return this.#term(first, scope);
  }

  #term(term: Term, scope: Scope): unknown {
    switch (term.kind) {
      case 'literal':
        return term.value;
      case 'function':
        return functions[term.name]?.();
      case 'group':
        return this.#fields(this.#value(term.pipe, scope), term.fields);
      case 'path': {
        if (term.variable !== undefined && !scope.variables.has(term.variable)) {
          return bad(this.#template, `there is no variable $${term.variable}`);
        }
        const start = term.variable === undefined ? scope.dot : scope.variables.get(term.variable);
        return this.#fields(start, term.fields);
      }
      default:
        term satisfies never;
        return undefined;
    }
  }

  #fields(start: unknown, fields: readonly string[]): unknown {
    return fields.reduce<unknown>((value, field) => {
      if (isRecord(value) && !Array.isArray(value) && Object.hasOwn(value, field)) return value[field];
      if (this.#allowsMissing) return undefined;
      throw wrong(`map has no entry for key ${JSON.stringify(field)}`, 'correct the template, or allow missing keys');
    }, start);
  }
}
