export interface DevnodeOptions {
  /** Port of gRPC, for native clients; 0 for a free one. Default 5556. */
  grpcPort?: number;
  /** Port of gRPC-web, for browsers; 0 for a free one. Default 5557. */
  grpcWebPort?: number;
  /** Let POST, GET and DELETE /faults on the gRPC-web port break calls. Default false. */
  faults?: boolean;
  /** Refuse new V2 envelopes, as public nodes do. Default false. */
  v2Closed?: boolean;
  /** Contract wallets on chain 31337, each `ADDRESS=OWNER`. */
  contractWallets?: string[];
}

export interface Devnode {
  grpcUrl: string;
  grpcWebUrl: string;
  /** Ends open streams and closes the ports. */
  close(): Promise<void>;
}

/** Starts a node in this process; resolves once both ports accept connections. */
export function startDevnode(options?: DevnodeOptions): Promise<Devnode>;
