/**
 * `xmtp-web/testing`: a network inside of the page, for tests. It is the local node compiled to wasm, in a worker of its
 * own: the same checks of identities, key packages and messages, the same streams, no server.
 */
import { XmtpError } from "../errors.js";
import type { ClientOptions, NetworkOptions } from "../types.js";
import { onceReady, WorkerLine } from "../worker-line.js";
import { NETWORK_URL, type Connect, type Done, type FromNode, type Order, type Ordered } from "./protocol.js";

/** What goes wrong with a call. */
export type Fault =
  /** It waits before it is handled, milliseconds. */
  | { kind: "delay"; ms: number }
  /** The connection breaks before it is handled. */
  | { kind: "drop_request" }
  /** It is handled and its answer is lost. */
  | { kind: "drop_answer" }
  /** It is not handled and fails with a gRPC status, 1 to 16. */
  | { kind: "error"; code: number; message?: string }
  /** A stream delivers every item twice. */
  | { kind: "duplicate" }
  /** A stream leaves out so many items (default 1) after so many others, as public nodes may. */
  | { kind: "leave_out"; after: number; count?: number }
  /** A stream breaks after so many items. */
  | { kind: "cut_stream"; after: number };

/** Which calls a fault meets. */
export interface FaultRule {
  /** The name of a call such as `SendGroupMessages`; `*` stands for any characters. */
  method: string;
  fault: Fault;
  /** How many calls it meets; left out: all until the rules are cleared. */
  times?: number;
  /** How many calls go well before. Default 0. */
  skip?: number;
}

export interface TestNetworkOptions {
  /** Refuse new entries of XIP-42 lists, as public nodes do. Default false. */
  v2Closed?: boolean;
  /** Where `testing/xmtp_devnode_bg.wasm` of this package is, when a build has moved it. */
  wasmUrl?: string | URL;
}

/** The answer of a node that has no more to give: gRPC's RESOURCE_EXHAUSTED. */
const RESOURCE_EXHAUSTED = 8;

/** A network of this page alone. Its clients share it; another network, or another page, knows nothing of it. */
export class TestNetwork {
  readonly #line: WorkerLine<Ordered, FromNode>;
  readonly #pending = new Map<number, { resolve: (text: string | undefined) => void; reject: (error: XmtpError) => void }>();
  #nextId = 1;
  #closed: XmtpError | undefined;

  private constructor() {
    if (typeof Worker === "undefined") {
      throw new XmtpError("client.no_worker", "there are no workers here, as on a server: make the network in the browser");
    }
    const worker = new Worker(new URL("./node-worker.js", import.meta.url), { type: "module", name: "xmtp-web-test-network" });
    this.#line = new WorkerLine<Ordered, FromNode>(worker, "testing/node-worker.js", {
      message: (done) => this.#answer(done),
      failure: (error) => this.#end(error),
    });
  }

  /** @internal */
  static async open(options: TestNetworkOptions): Promise<TestNetwork> {
    const { v2Closed = false, wasmUrl } = options;
    const network = new TestNetwork();
    try {
      const absolute = wasmUrl === undefined ? undefined : new URL(wasmUrl, globalThis.location?.href).href;
      await network.#order({ type: "open", v2Closed, wasmUrl: absolute });
      return network;
    } catch (error) {
      network.#line.end();
      throw error;
    }
  }

  /** The options of a client on this network; its database is in memory unless you give another `dbPath`. */
  get options(): Required<Pick<ClientOptions, "env" | "apiUrl" | "workerUrl">> & { dbPath: null } {
    return { ...this.networkOptions, dbPath: null };
  }

  /** The same for calls that need no client, such as `Client.canMessage`. */
  get networkOptions(): Required<Pick<NetworkOptions, "env" | "apiUrl" | "workerUrl">> {
    return { env: "local", apiUrl: NETWORK_URL, workerUrl: () => this.#clientWorker() };
  }

  /** Adds rules by which calls fail; all rules that name a call apply to it together. */
  async addFaults(...rules: FaultRule[]): Promise<void> {
    await this.#order({ type: "faults", method: "POST", body: JSON.stringify({ rules }) });
  }

  /** Refuses calls as a node does whose limit is reached, all or those that `method` names. */
  limitRate(method = "*", times?: number): Promise<void> {
    const fault: Fault = { kind: "error", code: RESOURCE_EXHAUSTED, message: "rate limit exceeded" };
    return this.addFaults({ method, fault, ...(times !== undefined && { times }) });
  }

  async clearFaults(): Promise<void> {
    await this.#order({ type: "faults", method: "DELETE", body: "" });
  }

  /** How many calls of each name have arrived since the network was made or reset. */
  async calls(): Promise<Record<string, number>> {
    const text = await this.#order({ type: "faults", method: "GET", body: "" });
    return (JSON.parse(text ?? "{}") as { calls?: Record<string, number> }).calls ?? {};
  }

  /** False: open streams break, and every call fails as without a connection, until it is true again. */
  async setOnline(online: boolean): Promise<void> {
    await this.#order({ type: "online", online });
  }

  /** Moves the time the node stamps on what it stores. Clients keep the time of the machine. */
  async advanceClock(milliseconds: number): Promise<void> {
    if (!Number.isFinite(milliseconds)) throw new XmtpError("argument.invalid", "milliseconds must be a finite number");
    await this.#order({ type: "clock", milliseconds });
  }

  /** Deploys a smart-contract wallet on chain 31337, or gives it another owner: `0x` and 40 hex digits each. */
  async registerContractWallet(address: string, owner: string): Promise<void> {
    await this.#order({ type: "wallet", wallet: `${address}=${owner}` });
  }

  /** Forgets everything, faults and wallets included. Clients made before are of no use any more: close them first. */
  async reset(): Promise<void> {
    await this.#order({ type: "reset" });
  }

  /** Ends the network. Calls of clients that are still open fail as without a connection. */
  async close(): Promise<void> {
    if (this.#closed !== undefined) return;
    try {
      await this.#order({ type: "close" });
    } finally {
      this.#end(new XmtpError("client.closed", "the test network was closed"));
    }
  }

  #clientWorker(): Worker {
    if (this.#closed !== undefined) throw this.#closed;
    const worker = new Worker(new URL("./client-worker.js", import.meta.url), { type: "module", name: "xmtp-web-test-client" });
    const { port1, port2 } = new MessageChannel();
    // Before all that its client says, which waits for the same word.
    onceReady(worker, () => worker.postMessage({ type: "test-network.connect", port: port1 } satisfies Connect, [port1]));
    this.#order({ type: "connect", port: port2 }, [port2]).catch(() => undefined);
    return worker;
  }

  #order(order: Order, transfer: Transferable[] = []): Promise<string | undefined> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#line.post({ ...order, id }, { transfer });
    });
  }

  #answer(done: Done): void {
    const pending = this.#pending.get(done.id);
    this.#pending.delete(done.id);
    if (done.ok) pending?.resolve(done.text);
    else pending?.reject(new XmtpError("argument.invalid", done.reason));
  }

  #end(error: XmtpError): void {
    this.#closed ??= error;
    this.#line.end();
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

/** Starts an empty network in a worker of this page. */
export function createTestNetwork(options: TestNetworkOptions = {}): Promise<TestNetwork> {
  return TestNetwork.open(options);
}
