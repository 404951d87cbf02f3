/** One step of a compiled ignore pattern; what each consumes is written down in compile.ts. */
export type PatternToken =
  | { readonly type: 'literal'; readonly text: string }
  | { readonly type: '?' }
  | { readonly type: '*' }
  | { readonly type: '.*' }
  | { readonly type: '**' }
  | { readonly type: '>' }
  | { readonly type: '>/' }
  | {
      readonly type: 'class';
      readonly negated: boolean;
      readonly repeated: boolean;
      readonly ranges: readonly CodePointRange[];
    }
  | { readonly type: 'assertion'; readonly kind: '^' | '$' | 'b' | 'B' };

/** Inclusive. */
export type CodePointRange = readonly [low: number, high: number];
