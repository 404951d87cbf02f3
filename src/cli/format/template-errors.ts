import { TsbuildError } from '../../errors.ts';

/** An error in a `--format` template: draws the template with the place marked. */
export class TemplateError extends TsbuildError {
  readonly frame: string;

  constructor(source: string, offset: number, message: string, hint?: string) {
    const before = source.slice(0, offset);
    const start = before.lastIndexOf('\n') + 1;
    const column = offset - start + 1;
    super('TEMPLATE_INVALID', `template, column ${column}: ${message}`, {
      ...(hint === undefined ? {} : { hint }),
      details: { column },
    });
    const end = source.indexOf('\n', offset);
    const line = source.slice(start, end < 0 ? undefined : end);
    this.frame = `  ${line}\n  ${' '.repeat(column - 1)}^`;
  }
}
