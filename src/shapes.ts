/** Whether a value that JSON gave is of a certain form. */
export type Shape = (value: unknown) => boolean;

export const text: Shape = (value) => typeof value === 'string';
export const number: Shape = (value) => typeof value === 'number';
export const flag: Shape = (value) => typeof value === 'boolean';

export function optional(shape: Shape): Shape {
  return (value) => value === undefined || shape(value);
}

export function nullable(shape: Shape): Shape {
  return (value) => value === null || shape(value);
}

export function list(shape: Shape): Shape {
  return (value) => Array.isArray(value) && value.every(shape);
}

/** An object with these fields, and any others. */
export function fields(shapes: Readonly<Record<string, Shape>>): Shape {
  const entries = Object.entries(shapes);
  return (value) =>
    typeof value === 'object' &&
    value !== null &&
    entries.every(([name, shape]) => shape((value as Readonly<Record<string, unknown>>)[name]));
}

/** An object whose values are all of one form, under whatever names. */
export function map(shape: Shape): Shape {
  return (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(shape);
}
