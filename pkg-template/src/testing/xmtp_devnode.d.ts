/** What is used of the module that wasm-bindgen makes of the local node; the built one lies beside this file's place. */
export default function init(options?: { module_or_path?: string | URL | BufferSource }): Promise<unknown>;

/** Hears of one answer: `head` once, `data` for each piece, at most one `trailers`, last `end` or `broken`. */
export interface RawSink {
  head(status: number, headers: [string, string][]): void;
  data(piece: Uint8Array): void;
  trailers(trailers: [string, string][]): void;
  end(): void;
  broken(reason: string): void;
}

export class Call {
  private constructor();
  /** The sink hears nothing more. */
  cancel(): void;
  free(): void;
}

export class Node {
  constructor(faultsOverHttp: boolean, v2Closed: boolean, contractWallets: string[]);
  call(web: boolean, method: string, path: string, headers: [string, string][], body: Uint8Array, sink: RawSink): Call;
  advanceClock(milliseconds: number): void;
  registerContractWallet(addressAndOwner: string): void;
  free(): void;
}
