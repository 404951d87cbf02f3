export type TemplateNode =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'action'; readonly pipe: Pipe }
  | { readonly type: 'if' | 'with' | 'range'; readonly pipe: Pipe; readonly body: Body; readonly otherwise: Body };

export type Body = readonly TemplateNode[];

/** Commands whose results go on as the next one's last argument. */
export interface Pipe {
  /** `$a :=` or, for `range`, `$index, $element :=`. */
  readonly declares: readonly string[];
  /** `=` instead of `:=`. */
  readonly assigns: boolean;
  readonly commands: readonly CommandNode[];
  readonly offset: number;
}

export interface CommandNode {
  readonly args: readonly ArgNode[];
  readonly offset: number;
}

export type ArgNode =
  | { readonly type: 'value'; readonly value: string | number | boolean | null; readonly offset: number }
  | { readonly type: 'function'; readonly name: string; readonly offset: number }
  /** `.A.B`, `$x.A`, `(…).A`; `base` undefined is the dot. */
  | {
      readonly type: 'chain';
      readonly base: { readonly variable: string } | { readonly pipe: Pipe } | undefined;
      readonly fields: readonly { readonly name: string; readonly offset: number }[];
      readonly offset: number;
    };
