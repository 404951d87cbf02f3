export type {
  Diagnostic,
  DirectiveNode,
  DockerfileNode,
  HeredocNode,
  InstructionNode,
  ParseResult,
  Token,
} from './ast.ts';
export { parseDockerfile } from './parser.ts';
