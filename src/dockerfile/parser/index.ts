export type {
  Diagnostic,
  DirectiveNode,
  DockerfileNode,
  HeredocNode,
  InstructionNode,
  ParseResult,
  Token,
} from './ast.ts';
export { type FrontendRequest, findFrontend } from './frontend.ts';
export { parseDockerfile } from './parser.ts';
