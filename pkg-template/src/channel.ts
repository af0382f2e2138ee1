import { CodecRegistry } from "./codecs.js";
import type { RecentError } from "./diagnostics.js";
import { XmtpError } from "./errors.js";
import { Events, type TabRole } from "./events.js";
import type { Args, Method, Result, StreamValue, ToPage, ToWorker } from "./rpc.js";
import type { ClientOptions } from "./types.js";

/** What the page does with the events of one stream. */
export interface StreamListener {
  /** What is streamed, for whoever looks for a fault. */
  kind: string;
  onValue(value: StreamValue): void;
  onError(error: XmtpError): void;
  /** The stream is over; nothing follows. */
  onEnd(error?: XmtpError): void;
}

/** How long a worker may take to close its database before it is ended, milliseconds. */
const CLOSE_MS = 5_000;

/** How many errors are remembered for {@link Channel.recentErrors}. */
const RECENT_ERRORS = 20;

/** Starts the worker, or says why there can be none. */
function startWorker(workerUrl: ClientOptions["workerUrl"]): Worker {
  if (typeof Worker === "undefined") {
    throw new XmtpError("client.no_worker", "there are no workers here, as on a server: open the client in the browser");
  }
  if (typeof workerUrl === "function") return workerUrl();
  try {
    // The literal form is the one bundlers recognise: they then ship worker.js and the wasm with the app.
    return workerUrl === undefined
      ? new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "xmtp-web" })
      : new Worker(workerUrl, { type: "module", name: "xmtp-web" });
  } catch (cause) {
    throw new XmtpError("client.no_worker", `the worker cannot be started: ${String(cause)}`, { cause });
  }
}

/** The page's end of the line to the worker. */
export class Channel {
  readonly #worker: Worker;
  readonly #pending = new Map<number, { method: Method; resolve: (value: never) => void; reject: (error: XmtpError) => void }>();
  readonly #streams = new Map<number, StreamListener>();
  #nextId = 1;
  #closed: XmtpError | undefined;
  #hasEnded = false;
  #role: TabRole = "alone";
  #isRevoked = false;
  readonly #recentErrors: RecentError[] = [];
  readonly events = new Events();
  /** The codecs of the app, for whoever builds messages from what arrives. */
  readonly codecs: CodecRegistry;

  constructor(workerUrl?: ClientOptions["workerUrl"], codecs: CodecRegistry = new CodecRegistry()) {
    this.codecs = codecs;
    this.#worker = startWorker(workerUrl);
    this.#worker.addEventListener("message", (event: MessageEvent<ToPage>) => this.#receive(event.data));
    this.#worker.addEventListener("error", (event) => {
      const text = event.message || "worker.js could not be loaded (is the option workerUrl right?)";
      this.#fail(new XmtpError("internal", `the worker failed: ${text}`));
    });
    this.#worker.addEventListener("messageerror", () => {
      this.#fail(new XmtpError("internal", "the worker sent something that cannot be read"));
    });
  }

  /** Sends a request. After a close or a failure of the worker every request is rejected at once. */
  call<M extends Method>(method: M, ...args: Args<M> extends void ? [] : [Args<M>]): Promise<Result<M>> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    const id = this.#nextId++;
    return new Promise<Result<M>>((resolve, reject) => {
      this.#pending.set(id, { method, resolve: resolve as (value: never) => void, reject });
      try {
        this.#worker.postMessage({ id, method, args: args[0] } as ToWorker);
      } catch (error) {
        this.#pending.delete(id);
        reject(new XmtpError("argument.invalid", `an argument cannot be sent to the worker: ${String(error)}`));
      }
    });
  }

  /** Registers a listener and gives the id under which the worker reports to it. */
  listen(listener: StreamListener): number {
    const streamId = this.#nextId++;
    this.#streams.set(streamId, listener);
    return streamId;
  }

  unlisten(streamId: number): void {
    this.#streams.delete(streamId);
  }

  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /** Why every call is refused; undefined while none is. */
  get endedWith(): XmtpError | undefined {
    return this.#closed;
  }

  get role(): TabRole {
    return this.#role;
  }

  /** The newest errors of calls and streams, oldest first. */
  get recentErrors(): readonly RecentError[] {
    return this.#recentErrors;
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  get pendingCalls(): number {
    return this.#pending.size;
  }

  /** Lets the client write what it has to, then ends the worker. Pending calls are rejected. */
  async close(): Promise<void> {
    if (this.#closed !== undefined) return;
    const done = this.call("client.close");
    this.#closed = new XmtpError("client.closed", "the client was closed");
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_MS)));
    try {
      await Promise.race([done, late]);
    } finally {
      clearTimeout(timer);
      // Rejects what is still pending; `done` itself may be among it.
      done.catch(() => undefined);
      this.terminate();
    }
  }

  /** Ends the worker at once. */
  terminate(): void {
    this.#end((this.#closed ??= new XmtpError("client.closed", "the client was closed")));
  }

  #receive(message: ToPage): void {
    if (message.type === "fatal") return this.#fail(XmtpError.fromPlain(message.error));
    if (message.type === "role") {
      this.#role = message.role;
      return this.events.tell("role", { role: message.role });
    }
    if (message.type === "stream") {
      const listener = this.#streams.get(message.streamId);
      if (message.event === "value") listener?.onValue(message.value);
      else if (message.event === "error") listener?.onError(this.#noted(XmtpError.fromPlain(message.error), `stream ${listener.kind}`));
      else {
        this.#streams.delete(message.streamId);
        listener?.onEnd();
      }
      return;
    }
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.ok) pending?.resolve(message.result as never);
    else pending?.reject(this.#noted(XmtpError.fromPlain(message.error), pending.method));
  }

  /** Remembers that an error came, not what it says. */
  #noted(error: XmtpError, during: string): XmtpError {
    this.#recentErrors.push({ code: error.code, during, at: Date.now() });
    if (this.#recentErrors.length > RECENT_ERRORS) this.#recentErrors.shift();
    if (error.code === "identity.installation_revoked" && !this.#isRevoked) {
      this.#isRevoked = true;
      this.events.tell("revoked", { error });
    }
    return error;
  }

  #fail(error: XmtpError): void {
    if (this.#closed !== undefined && this.#closed.code !== "client.closed") return;
    this.#closed = this.#noted(error, "worker");
    this.#end(error);
  }

  #end(error: XmtpError): void {
    this.#worker.terminate();
    const pending = [...this.#pending.values()];
    const streams = [...this.#streams.values()];
    this.#pending.clear();
    this.#streams.clear();
    const isFirst = !this.#hasEnded;
    this.#hasEnded = true;
    for (const { reject } of pending) reject(error);
    for (const stream of streams) stream.onEnd(error.code === "client.closed" ? undefined : error);
    if (isFirst) this.events.tell("ended", { error: error.code === "client.closed" ? undefined : error });
  }
}
