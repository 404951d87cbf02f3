/** A place in a source text. */
export interface Position {
  /** 1-based. */
  readonly line: number;
  /** 0-based, in UTF-16 code units. */
  readonly column: number;
}

/** End exclusive. */
export interface SourceRange {
  readonly start: Position;
  readonly end: Position;
}
