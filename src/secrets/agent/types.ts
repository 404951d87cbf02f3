/** Something that answers requests of the agent protocol. */
export interface Agent {
  /** One for each client. */
  connect(): Promise<AgentConnection>;
}

export interface AgentConnection {
  /** `request` is a message without its length; the answer has it. Called again only when the last answer was given. */
  answer(request: Buffer): Promise<Buffer>;
  close(): void;
}
