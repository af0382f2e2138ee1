import { CodecRegistry } from "./codecs.js";
import type { RecentError } from "./diagnostics.js";
import { XmtpError } from "./errors.js";
import { Events, type TabRole } from "./events.js";
import type { Log } from "./logging.js";
import type { Args, ClientState, Method, OpenArgs, Result, StreamValue, ToPage, ToWorker } from "./rpc.js";
import { mayRepeat, newMessageKey, OUTCOME_UNKNOWN, withKey, type Outcome } from "./tabs/protocol.js";
import { LogLevel, type ClientOptions } from "./types.js";
import { WorkerLine, type Ready } from "./worker-line.js";
import { noWorker } from "./worker-refused.js";

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
    // The literal form is the one bundlers recognise: they then ship worker.js and the wasm with the app. webpack takes the name for
    // the file's: two workers of one name become one file, which is neither.
    return workerUrl === undefined
      ? new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "xmtp-web-worker" })
      : new Worker(workerUrl, { type: "module", name: "xmtp-web-worker" });
  } catch (cause) {
    throw noWorker(workerUrl, cause);
  }
}

/** A call without an answer. */
interface Pending {
  request: ToWorker;
  /** Whether a worker has it, which may have carried it out. */
  wasSent: boolean;
  /** Tells the log how it ended. */
  logged: ((code?: string) => void) | undefined;
  resolve: (value: never) => void;
  reject: (error: XmtpError) => void;
}

/** The page's end of the line to the worker. */
export class Channel {
  readonly #workerUrl: ClientOptions["workerUrl"];
  #line: WorkerLine<ToWorker, ToPage>;
  readonly #pending = new Map<number, Pending>();
  readonly #streams = new Map<number, StreamListener>();
  #nextId = 1;
  #closed: XmtpError | undefined;
  #hasEnded = false;
  #role: TabRole = "alone";
  /** What opened the client; a worker that follows another opens it with the same. */
  #opening: OpenArgs | undefined;
  /** Whether there is a worker with the client: else calls wait. */
  #presence: "here" | "away" | "returning" = "here";
  /** The call that opens the client once more. */
  #returning: number | undefined;
  #isRevoked = false;
  readonly #recentErrors: RecentError[] = [];
  readonly events = new Events();
  /** The codecs of the app, for whoever builds messages from what arrives. */
  readonly codecs: CodecRegistry;
  /** Undefined: nothing is logged. */
  readonly log: Log | undefined;
  /** Called when there are more streams or fewer. */
  onStreams: (() => void) | undefined;

  constructor(workerUrl?: ClientOptions["workerUrl"], codecs: CodecRegistry = new CodecRegistry(), log?: Log) {
    this.codecs = codecs;
    this.log = log;
    this.#workerUrl = workerUrl;
    this.#line = this.#start();
  }

  #start(): WorkerLine<ToWorker, ToPage> {
    return new WorkerLine<ToWorker, ToPage>(startWorker(this.#workerUrl), "worker.js (where workerUrl says, if that is given)", {
      message: (message) => this.#receive(message),
      failure: (error) => this.#fail(error),
    });
  }

  /** Sends a request. After a close or a failure of the worker every request is rejected at once. */
  call<M extends Method>(method: M, ...args: Args<M> extends void ? [] : [Args<M>]): Promise<Result<M>> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return this.#ask(method, args[0], this.#presence === "here") as Promise<Result<M>>;
  }

  #ask(method: Method, args: unknown, isNow: boolean): Promise<unknown> {
    const id = this.#nextId++;
    const asked = { id, method, args };
    // With a key a message can be sent once more without being another one. For a worker that is never ended it finds one.
    const request = (this.#opening?.dbPath === null ? asked : withKey(asked, newMessageKey)) as ToWorker;
    if (method === "client.open") {
      const opening = args as OpenArgs;
      this.#opening = { ...opening, dbEncryptionKey: opening.dbEncryptionKey?.slice() };
    }
    return new Promise<never>((resolve, reject) => {
      const pending = { request, wasSent: false, logged: this.log?.call(method), resolve, reject };
      this.#pending.set(id, pending);
      if (isNow) this.#post(pending);
    });
  }

  #post(pending: Pending): void {
    try {
      this.#line.post(pending.request, { onSent: () => (pending.wasSent = true) });
    } catch (error) {
      this.#pending.delete(pending.request.id);
      pending.logged?.("argument.invalid");
      pending.reject(new XmtpError("argument.invalid", `an argument cannot be sent to the worker: ${String(error)}`));
    }
  }

  /** Registers a listener and gives the id under which the worker reports to it. */
  listen(listener: StreamListener): number {
    const streamId = this.#nextId++;
    this.#streams.set(streamId, listener);
    this.onStreams?.();
    return streamId;
  }

  unlisten(streamId: number): void {
    this.#streams.delete(streamId);
    this.onStreams?.();
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

  /** Those of the app. */
  get openStreams(): number {
    return [...this.#streams.values()].filter(({ kind }) => kind !== "log").length;
  }

  get pendingCalls(): number {
    return this.#pending.size;
  }

  /** Lets the client write what it has to, then ends the worker. Pending calls are rejected. */
  async close(): Promise<void> {
    if (this.#closed !== undefined) return;
    // A worker that does not listen yet has nothing open.
    if (this.#presence === "away" || !this.#line.isListening) return this.terminate();
    const done = this.call("client.close");
    this.#closed = new XmtpError("client.closed", "the client was closed");
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_MS)));
    try {
      // Ended by `leave`, it is closed all the same.
      const isDone = done.catch((error: unknown) => {
        if (error !== this.#closed) throw error;
      });
      await Promise.race([isDone, late]);
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

  /** Whether {@link Channel.leave} has ended the worker and none has the client open yet. */
  get isAway(): boolean {
    return this.#presence !== "here";
  }

  /**
   * Ends the worker of a page that goes into the back/forward cache. There the browser stops a worker at any moment, and
   * one that is stopped keeps the lock and the files from the other tabs; one that is ended gives them back at once. A
   * database in memory stays: it has nothing to give back, and would be lost.
   */
  leave(): void {
    if (this.#hasEnded || this.#presence === "away" || this.#opening === undefined || this.#opening.dbPath === null) return;
    // Whoever was closing it can no longer wait for that.
    if (this.#closed !== undefined) return this.terminate();
    this.#presence = "away";
    this.#line.end();
    if (this.#returning !== undefined) this.#pending.delete(this.#returning);
  }

  /** Starts a worker for a page that has come back, and opens the client in it. What nobody answered is asked again. */
  async comeBack(): Promise<void> {
    if (this.#presence !== "away" || this.#closed !== undefined) return;
    this.#presence = "returning";
    try {
      this.#line = this.#start();
      const isFirst = [...this.#pending.values()].some(({ request }) => request.method === "client.open");
      if (!isFirst) await this.#openAnew();
    } catch (error) {
      return this.#fail(error as XmtpError);
    }
    this.#presence = "here";
    const opening = new Set<number>();
    for (const pending of [...this.#pending.values()]) {
      if (pending.request.method === "stream.open") opening.add(pending.request.args.streamId);
      if (!pending.wasSent || mayRepeat(pending.request)) this.#post(pending);
      else this.#answer(pending.request.id, OUTCOME_UNKNOWN);
    }
    // Whoever follows one opens it again, and continues where it was.
    for (const streamId of [...this.#streams.keys()]) if (!opening.has(streamId)) this.#endStream(streamId);
  }

  async #openAnew(): Promise<void> {
    for (;;) {
      const opened = this.#ask("client.open", this.#opening, true);
      this.#returning = this.#nextId - 1;
      try {
        await opened;
        return;
      } catch (error) {
        // The tab that has it does not answer: the queue is where to wait.
        if ((error as XmtpError).code !== "tabs.no_leader") throw error;
      } finally {
        this.#returning = undefined;
      }
    }
  }

  #receive(message: Exclude<ToPage, Ready>): void {
    if (message.type === "fatal") return this.#fail(XmtpError.fromPlain(message.error));
    if (message.type === "role") {
      this.#role = message.role;
      this.log?.info("role of this tab", { role: message.role });
      return this.events.tell("role", { role: message.role });
    }
    if (message.type === "rekeyed") {
      if (this.#opening !== undefined) this.#opening = { ...this.#opening, dbEncryptionKey: message.dbEncryptionKey };
      return;
    }
    if (message.type === "stream") {
      const listener = this.#streams.get(message.streamId);
      if (listener !== undefined && listener.kind !== "log") {
        if (message.event === "value") this.log?.write(LogLevel.Trace, "stream value", { stream: listener.kind });
        else if (message.event === "error") this.log?.warn("stream error", { stream: listener.kind, code: message.error.code });
      }
      if (message.event === "value") listener?.onValue(message.value);
      else if (message.event === "error") listener?.onError(this.#noted(XmtpError.fromPlain(message.error), `stream ${listener.kind}`));
      else this.#endStream(message.streamId);
      return;
    }
    this.#answer(message.id, message);
  }

  #endStream(streamId: number): void {
    const listener = this.#streams.get(streamId);
    this.#streams.delete(streamId);
    listener?.onEnd();
    this.onStreams?.();
  }

  #answer(id: number, outcome: Outcome): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (pending === undefined) return;
    const { method } = pending.request;
    pending.logged?.(outcome.ok ? undefined : outcome.error.code);
    if (!outcome.ok) return pending.reject(this.#noted(XmtpError.fromPlain(outcome.error), method));
    if (method === "client.open" && this.#opening !== undefined) {
      // Nothing is made anew by a worker that opens it again.
      this.#opening = { ...this.#opening, inboxId: (outcome.result as ClientState).inboxId };
    }
    pending.resolve(outcome.result as never);
  }

  /** Remembers that an error came, not what it says. */
  #noted(error: XmtpError, during: string): XmtpError {
    this.#recentErrors.push({ code: error.code, during, at: Date.now() });
    if (this.#recentErrors.length > RECENT_ERRORS) this.#recentErrors.shift();
    if (error.code === "identity.installation_revoked" && !this.#isRevoked) {
      this.#isRevoked = true;
      this.log?.error("this installation was revoked");
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
    this.#line.end();
    const pending = [...this.#pending.values()];
    const streams = [...this.#streams.values()];
    this.#pending.clear();
    this.#streams.clear();
    const isFirst = !this.#hasEnded;
    this.#hasEnded = true;
    if (isFirst && error.code === "client.closed") this.log?.info("closed");
    else if (isFirst) this.log?.error("ended", { code: error.code });
    for (const { reject, logged } of pending) {
      logged?.(error.code);
      reject(error);
    }
    for (const stream of streams) stream.onEnd(error.code === "client.closed" ? undefined : error);
    if (isFirst) this.events.tell("ended", { error: error.code === "client.closed" ? undefined : error });
  }
}
