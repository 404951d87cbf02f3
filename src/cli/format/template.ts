import { suggest } from '../../suggest.ts';
import { Nil, printValue } from './go-print.ts';
import type { ArgNode, Body, CommandNode, Pipe } from './template-ast.ts';
import { TemplateError } from './template-errors.ts';
import { FUNCTIONS, FunctionError, isTrue, type TemplateFunction } from './template-functions.ts';
import { parseTemplate } from './template-parser.ts';

/** A parsed `--format` template. */
export interface Template {
  /** Throws `TEMPLATE_INVALID` for a field that is not there or a function that fails. */
  execute(data: unknown): string;
}

export interface TemplateOptions {
  /** Functions that replace those of the same name. */
  readonly functions?: Readonly<Record<string, TemplateFunction>>;
}

/**
 * Compiles a Go template: fields, variables, pipes, `if`, `with`, `range`, and the functions that docker's `--format` has.
 * Throws `TEMPLATE_INVALID` with the column.
 */
export function compileTemplate(source: string, options: TemplateOptions = {}): Template {
  const body = parseTemplate(source);
  const functions = { ...FUNCTIONS, ...options.functions };
  checkFunctions(source, body, functions);
  return { execute: (data) => new Evaluator(source, functions, data).run(body) };
}

/** Names that are no functions are found before anything is printed. */
function checkFunctions(source: string, body: Body, functions: Readonly<Record<string, TemplateFunction>>): void {
  const names = [...Object.keys(functions), 'and', 'or'];
  const checkPipe = (pipe: Pipe): void => {
    for (const { args } of pipe.commands)
      for (const arg of args) {
        if (arg.type === 'chain' && arg.base !== undefined && 'pipe' in arg.base) checkPipe(arg.base.pipe);
        if (arg.type !== 'function' || names.includes(arg.name)) continue;
        const near = suggest(arg.name, names);
        throw new TemplateError(
          source,
          arg.offset,
          `there is no function ${JSON.stringify(arg.name)}`,
          near === undefined ? `functions are ${names.sort().join(', ')}` : `did you mean ${near}?`,
        );
      }
  };
  for (const node of body) {
    if (node.type === 'text') continue;
    checkPipe(node.pipe);
    if (node.type === 'action') continue;
    checkFunctions(source, node.body, functions);
    checkFunctions(source, node.otherwise, functions);
  }
}

interface Variable {
  readonly name: string;
  value: unknown;
}

class Evaluator {
  readonly #source: string;
  readonly #functions: Readonly<Record<string, TemplateFunction>>;
  #variables: Variable[];
  #dot: unknown;

  constructor(source: string, functions: Readonly<Record<string, TemplateFunction>>, data: unknown) {
    this.#source = source;
    this.#functions = functions;
    this.#dot = data;
    this.#variables = [{ name: '$', value: data }];
  }

  run(body: Body): string {
    let out = '';
    for (const node of body) {
      if (node.type === 'text') out += node.text;
      else if (node.type === 'action') {
        const value = this.#pipe(node.pipe);
        if (node.pipe.declares.length === 0) out += printValue(value);
      } else if (node.type === 'range') out += this.#scoped(() => this.#range(node));
      else
        out += this.#scoped(() => {
          const value = this.#pipe(node.pipe);
          if (!isTrue(value)) return this.run(node.otherwise);
          return node.type === 'with' ? this.#withDot(value, () => this.run(node.body)) : this.run(node.body);
        });
    }
    return out;
  }

  #range(node: { readonly pipe: Pipe; readonly body: Body; readonly otherwise: Body }): string {
    const value = this.#pipe({ ...node.pipe, declares: [] });
    const entries = entriesOf(value);
    if (entries === undefined)
      throw new TemplateError(this.#source, node.pipe.offset, 'this is neither a list nor a map');
    if (entries.length === 0) return this.run(node.otherwise);
    const names = node.pipe.declares;
    return entries
      .map(([key, item]) =>
        this.#scoped(() => {
          const [first, second] = names;
          if (second !== undefined && first !== undefined) this.#declare(first, key);
          const element = second ?? first;
          if (element !== undefined) this.#declare(element, item);
          return this.#withDot(item, () => this.run(node.body));
        }),
      )
      .join('');
  }

  #pipe(pipe: Pipe): unknown {
    let value: unknown;
    let has = false;
    for (const command of pipe.commands) {
      value = this.#command(command, has ? [value] : []);
      has = true;
    }
    const [name] = pipe.declares;
    if (name !== undefined) {
      if (pipe.assigns) this.#variable(name, pipe.offset).value = value;
      else this.#declare(name, value);
    }
    return value;
  }

  #command(command: CommandNode, piped: readonly unknown[]): unknown {
    const [first, ...rest] = command.args;
    if (first === undefined) return undefined;
    if (first.type !== 'function') {
      if (rest.length + piped.length > 0)
        throw new TemplateError(this.#source, first.offset, 'this is no function and takes no arguments');
      return this.#arg(first);
    }
    if (first.name === 'and' || first.name === 'or') return this.#logic(first.name, rest, piped, first.offset);
    const args = [...rest.map((arg) => this.#arg(arg)), ...piped];
    try {
      return this.#functions[first.name]?.(...args);
    } catch (error) {
      if (error instanceof FunctionError)
        throw new TemplateError(this.#source, first.offset, `${first.name}: ${error.message}`);
      throw error;
    }
  }

  /** The first argument that decides, or the last; those behind it are not evaluated. */
  #logic(name: 'and' | 'or', args: readonly ArgNode[], piped: readonly unknown[], offset: number): unknown {
    const values = [...args.map((arg) => () => this.#arg(arg)), ...piped.map((value) => () => value)];
    if (values.length === 0) throw new TemplateError(this.#source, offset, `${name} needs arguments`);
    let value: unknown;
    for (const read of values) {
      value = read();
      if (isTrue(value) === (name === 'or')) return value;
    }
    return value;
  }

  #arg(arg: ArgNode): unknown {
    if (arg.type === 'value') return arg.value;
    if (arg.type === 'function') return this.#command({ args: [arg], offset: arg.offset }, []);
    const { base } = arg;
    let value: unknown =
      base === undefined
        ? this.#dot
        : 'pipe' in base
          ? this.#pipe(base.pipe)
          : this.#variable(base.variable, arg.offset).value;
    for (const field of arg.fields) value = this.#field(value, field.name, field.offset);
    return value;
  }

  #field(value: unknown, name: string, offset: number): unknown {
    if (value === undefined || value === null)
      throw new TemplateError(
        this.#source,
        offset,
        `there is no field ${JSON.stringify(name)}: what it is of is empty`,
      );
    if (value instanceof Nil) return undefined;
    if (typeof value !== 'object' || Array.isArray(value))
      throw new TemplateError(
        this.#source,
        offset,
        `there is no field ${JSON.stringify(name)}: this is a ${Array.isArray(value) ? 'list' : typeof value}`,
        Array.isArray(value) ? 'use {{range}} or {{index … 0}}' : undefined,
      );
    if (Object.hasOwn(value, name)) return (value as Record<string, unknown>)[name];
    const near = suggest(name, Object.keys(value));
    throw new TemplateError(
      this.#source,
      offset,
      `there is no field ${JSON.stringify(name)}`,
      near === undefined ? `fields are ${Object.keys(value).join(', ')}` : `did you mean .${near}?`,
    );
  }

  #variable(name: string, offset: number): Variable {
    const found = this.#variables.findLast((variable) => variable.name === name);
    if (found !== undefined) return found;
    throw new TemplateError(this.#source, offset, `there is no variable ${name}`);
  }

  #declare(name: string, value: unknown): void {
    this.#variables.push({ name, value });
  }

  #scoped<T>(run: () => T): T {
    const variables = this.#variables;
    this.#variables = [...variables];
    try {
      return run();
    } finally {
      this.#variables = variables;
    }
  }

  #withDot<T>(dot: unknown, run: () => T): T {
    const before = this.#dot;
    this.#dot = dot;
    try {
      return run();
    } finally {
      this.#dot = before;
    }
  }
}

function entriesOf(value: unknown): readonly (readonly [unknown, unknown])[] | undefined {
  if (value === undefined || value === null || value instanceof Nil) return [];
  if (Array.isArray(value)) return [...value.entries()];
  if (typeof value === 'number' && Number.isInteger(value))
    return Array.from({ length: value }, (_, i) => [i, i] as const);
  if (typeof value !== 'object') return undefined;
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
