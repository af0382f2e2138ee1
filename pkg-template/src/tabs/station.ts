/**
 * One tab among those that share a database: gives the state machine the browser's locks and channels, and carries
 * out what it decides. Runs in the worker.
 */
import { unavailable } from "../database.js";
import { toPlainError, XmtpError, type PlainError } from "../errors.js";
import type { TabRole } from "../events.js";
import type { Args, ClientState, Method, OpenArgs, StreamOpenArgs, ToPage, ToWorker } from "../rpc.js";
import type { OpenStream, StreamSink } from "../wasm.js";
import { TabMachine, type Effect, type Phase } from "./machine.js";
import {
  isHallMessage,
  isMailMessage,
  isRekeyed,
  newMessageKey,
  VERSION,
  type Call,
  type MailMessage,
  type Rekeyed,
  type Surroundings,
  type TabId,
} from "./protocol.js";

/** How often waiting calls are looked at, milliseconds. */
const TICK_MS = 1_000;

/** Attempts to open a database whose files are busy; each waits for about 1.5 seconds by itself. */
const OPEN_ATTEMPTS = 4;

/** What runs requests once the database is open. */
export interface Engine {
  open(args: OpenArgs): Promise<unknown>;
  state(): ClientState;
  run(method: Method, args: Args<Method>): unknown;
  openStream(args: StreamOpenArgs, sink: StreamSink): Promise<OpenStream>;
  close(): Promise<void>;
  setNetwork(surroundings: Surroundings): void;
  /** Whether an error ended the engine; nothing of it may be used afterwards. */
  isTrap(error: unknown): boolean;
}

/** What a page is told of where its tab stands; nothing while it is on the way out. */
const ROLES: Partial<Record<Phase, TabRole>> = { leading: "leader", following: "follower", seeking: "waiting", opening: "waiting" };

/** Requests about a tab itself, which `TabMachine` answers. */
const OF_THE_TAB: ReadonlySet<string> = new Set(["client.close", "client.network", "tabs.rest", "tabs.resume"]);

/** What two tabs must agree on to share a database. No key crosses: its hash says whether it is the same. */
type Shared = Pick<OpenArgs, "apiUrl" | "env" | "identifier" | "nonce" | "disableDeviceSync"> & { keyHash: string };

/** Whether this browser lets tabs find each other. Without that a database has one tab, and the second is refused. */
export function canShare(args: OpenArgs): boolean {
  return args.dbPath !== null && typeof BroadcastChannel === "function" && globalThis.navigator?.locks !== undefined;
}

/** What the database is called among tabs: by its path, or by what the path is made of. */
function nameOf({ dbPath, env, identifier, nonce }: OpenArgs): string {
  const parts =
    dbPath !== undefined && dbPath !== null
      ? ["path", dbPath]
      : ["inbox", env, identifier.identifierKind, identifier.identifier.toLowerCase(), nonce.toString()];
  return `xmtp-web:${JSON.stringify(parts)}`;
}

async function sharedOf({ apiUrl, env, identifier, nonce, disableDeviceSync, dbEncryptionKey }: OpenArgs): Promise<Shared> {
  let keyHash = "";
  if (dbEncryptionKey !== undefined) {
    const label = new TextEncoder().encode("xmtp-web: the same database key in two tabs");
    const bytes = new Uint8Array([...label, ...dbEncryptionKey]);
    keyHash = [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))].join(" ");
  }
  return { apiUrl, env, identifier, nonce, disableDeviceSync, keyHash };
}

export class Station {
  /** A new one after each rest. */
  #self: TabId = crypto.randomUUID();
  readonly #machine = new TabMachine(this.#self, VERSION, Date.now, newMessageKey);
  readonly #engine: Engine;
  readonly #post: (message: ToPage) => void;
  readonly #onTrap: (error: unknown) => void;
  #args: OpenArgs;
  readonly #name: string;
  #shared: Shared | undefined;
  /** The id of the page's first request, and what its answer told. */
  #joinId: number | undefined;
  #inboxId: string | undefined;
  #hall: BroadcastChannel | undefined;
  #mailbox: BroadcastChannel | undefined;
  /** Resolves when others hear and see this tab. */
  #connecting: Promise<void> | undefined;
  /** Whether the page is out of use. */
  #isResting = false;
  readonly #mailTo = new Map<TabId, BroadcastChannel>();
  /** Lets go of the lock that says this tab is there. */
  #leaveTab: (() => void) | undefined;
  /** Lets go of the database's lock, or leaves its queue. */
  #unlock: (() => void) | undefined;
  readonly #watches = new Map<TabId, AbortController>();
  readonly #streams = new Map<TabId, Map<number, () => void>>();
  readonly #surroundings = new Map<TabId, Surroundings>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #role: TabRole | undefined;

  constructor(args: OpenArgs, engine: Engine, post: (message: ToPage) => void, onTrap: (error: unknown) => void) {
    this.#args = args;
    this.#name = nameOf(args);
    this.#engine = engine;
    this.#post = post;
    this.#onTrap = onTrap;
  }

  /** The first request: opens the client, here or in the tab that has it. */
  async join(id: number): Promise<void> {
    this.#joinId = id;
    try {
      this.#shared = await sharedOf(this.#args);
      // Out of use before it was begun: it is opened when the page is back.
      if (this.#machine.phase !== "away") await this.#connect();
      this.#feed(this.#machine.request({ id, method: "client.open", args: this.#shared }));
    } catch (error) {
      this.#feed(this.#machine.refused(toPlainError(error)));
      this.#post({ type: "answer", id, ok: false, error: toPlainError(error) });
    }
  }

  request(request: ToWorker): void {
    const { id, method, args } = request;
    if (method === "tabs.rest") {
      this.#isResting = true;
      this.#feed(this.#machine.rest());
      if (this.#machine.phase === "away") this.#disconnect();
      this.#post({ type: "answer", id, ok: true, result: undefined });
    } else if (method === "tabs.resume") {
      const done = (): void => this.#post({ type: "answer", id, ok: true, result: undefined });
      this.#comeBack().then(done, (error: unknown) => {
        this.#post({ type: "answer", id, ok: false, error: toPlainError(error) });
        this.#feed(this.#machine.refused(toPlainError(error)));
      });
    } else {
      this.#feed(this.#machine.request({ id, method, args }));
    }
  }

  async #comeBack(): Promise<void> {
    this.#isResting = false;
    if (this.#machine.phase === "over") return;
    const self = this.#self;
    await this.#connect();
    // It may have gone again meanwhile, and have another name by now.
    if (!this.#isResting && self === this.#self) this.#feed(this.#machine.resume(self));
  }

  /** Begins to hear others and to be seen by them. */
  #connect(): Promise<void> {
    return (this.#connecting ??= this.#introduce().catch((error: unknown) => {
      this.#disconnect();
      // Where a page has no access to storage, as a frame of another origin or in a sandbox, it gets no locks either.
      throw error instanceof DOMException ? unavailable(error) : error;
    }));
  }

  async #introduce(): Promise<void> {
    this.#hall = new BroadcastChannel(this.#name);
    this.#hall.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (isRekeyed(data)) void this.#rekeyed(data.dbEncryptionKey);
      else if (isHallMessage(data)) this.#feed(this.#machine.hall(data));
    };
    this.#mailbox = new BroadcastChannel(this.#boxOf(this.#self));
    this.#mailbox.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (isMailMessage(data)) this.#feed(this.#machine.mail(data));
    };
    await new Promise<void>((resolve, reject) => {
      const held = new Promise<void>((leave) => (this.#leaveTab = leave));
      navigator.locks.request(this.#boxOf(this.#self), () => (resolve(), held)).catch(reject);
    });
  }

  #disconnect(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#hall?.close();
    this.#mailbox?.close();
    for (const channel of this.#mailTo.values()) channel.close();
    this.#mailTo.clear();
    this.#hall = this.#mailbox = this.#connecting = undefined;
    this.#leaveTab?.();
    this.#leaveTab = undefined;
    this.#self = crypto.randomUUID();
  }

  #boxOf(tab: TabId): string {
    return `${this.#name}:${tab}`;
  }

  #feed(effects: Effect[]): void {
    const role = ROLES[this.#machine.phase];
    // Before the answers, so that whoever has its client knows what it is.
    if (role !== undefined && role !== this.#role) this.#post({ type: "role", role: (this.#role = role) });
    for (const effect of effects) this.#do(effect);
    if (this.#machine.needsTicks) this.#timer ??= setInterval(() => this.#feed(this.#machine.tick()), TICK_MS);
    else {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    if (this.#machine.phase === "over") this.#disconnect();
  }

  #do(effect: Effect): void {
    switch (effect.do) {
      case "answer":
        if (effect.id === this.#joinId && effect.outcome.ok) this.#inboxId = (effect.outcome.result as ClientState).inboxId;
        return this.#post({ type: "answer", id: effect.id, ...effect.outcome });
      case "event":
        return this.#post(effect.event);
      case "fatal":
        return this.#post({ type: "fatal", error: effect.error });
      case "hall":
        return this.#hall?.postMessage(effect.message);
      case "mail":
        return this.#mail(effect.to, effect.message);
      case "lock":
        return this.#lock();
      case "unlock":
        this.#unlock?.();
        this.#unlock = undefined;
        return;
      case "open":
        this.#open().then(
          () => this.#feed(this.#machine.opened()),
          (error: unknown) => {
            if (this.#engine.isTrap(error)) this.#onTrap(error);
            this.#feed(this.#machine.opened(toPlainError(error)));
          },
        );
        return;
      case "close":
        return void this.#close();
      case "run":
        return void this.#run(effect.term, effect.tab, effect.call);
      case "network":
        this.#surroundings.set(effect.tab, effect.surroundings);
        return this.#setNetwork();
      case "watch":
        return this.#watch(effect.tab);
      case "forget":
        return this.#forget(effect.tab);
    }
  }

  /** The lock is ours, so whoever still holds the files is going: the browser takes a moment to end a crashed tab. */
  async #open(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#engine.open(this.#inboxId === undefined ? this.#args : { ...this.#args, inboxId: this.#inboxId });
        return;
      } catch (error) {
        if (attempt === OPEN_ATTEMPTS || toPlainError(error).code !== "storage.locked_by_other_tab") throw error;
      }
    }
  }

  #mail(to: TabId, message: MailMessage): void {
    let channel = this.#mailTo.get(to);
    if (channel === undefined) this.#mailTo.set(to, (channel = new BroadcastChannel(this.#boxOf(to))));
    channel.postMessage(message);
  }

  #lock(): void {
    const waiting = new AbortController();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    this.#unlock = () => {
      waiting.abort();
      release();
    };
    navigator.locks
      .request(this.#name, { signal: waiting.signal }, () => {
        this.#feed(this.#machine.locked(crypto.randomUUID()));
        return held;
      })
      .catch((error: unknown) => {
        // Having left the queue is what was wanted.
        if (waiting.signal.aborted) return;
        this.#feed(this.#machine.refused(toPlainError(error instanceof DOMException ? unavailable(error) : error)));
      });
  }

  async #close(): Promise<void> {
    for (const tab of [...this.#streams.keys()]) this.#endStreams(tab);
    for (const watch of this.#watches.values()) watch.abort();
    this.#watches.clear();
    this.#surroundings.clear();
    try {
      await this.#engine.close();
    } catch (error) {
      // The next tab finds out whether the files are free; this one has nothing of them any more.
      if (this.#engine.isTrap(error)) return this.#onTrap(error);
    }
    this.#feed(this.#machine.closed());
    if (this.#machine.phase === "away") this.#disconnect();
  }

  async #run(term: string, tab: TabId, call: Call): Promise<void> {
    try {
      const result = await this.#carryOut(term, tab, call);
      this.#feed(this.#machine.ran(term, tab, call.id, { ok: true, result }));
      if (call.method === "client.deleteDatabase") this.#feed(this.#machine.deleted());
    } catch (error) {
      // Whoever asked is answered first: asked again, it would end the next tab's engine too.
      this.#feed(this.#machine.ran(term, tab, call.id, { ok: false, error: this.#plain(error) }));
      if (this.#engine.isTrap(error)) this.#onTrap(error);
      // It was closed to be deleted: whatever is left of it, this tab does not have it any more.
      else if (call.method === "client.deleteDatabase") this.#feed(this.#machine.deleted(this.#plain(error)));
    }
  }

  #plain(error: unknown): PlainError {
    return this.#engine.isTrap(error)
      ? { ...toPlainError(error), code: "internal", retryable: false }
      : toPlainError(error);
  }

  async #carryOut(term: string, tab: TabId, { method, args }: Call): Promise<unknown> {
    if (method === "client.open") {
      if (tab !== this.#self) checkShared(this.#shared as Shared, args as Shared);
      return this.#engine.state();
    }
    if (method === "stream.open") return this.#openStream(term, tab, args as StreamOpenArgs);
    if (method === "stream.end") return this.#endStream(tab, (args as { streamId: number }).streamId);
    if (method === "client.rekey") {
      const { dbEncryptionKey } = args as Args<typeof method>;
      await this.#engine.run(method, { dbEncryptionKey });
      // Whoever leads next opens the database with it.
      this.#hall?.postMessage({ type: "rekeyed", dbEncryptionKey } satisfies Rekeyed);
      return this.#rekeyed(dbEncryptionKey);
    }
    if (OF_THE_TAB.has(method)) throw new XmtpError("argument.invalid", `"${method}" is no request for another tab`);
    return this.#engine.run(method as Method, args as Args<Method>);
  }

  async #openStream(term: string, tab: TabId, args: StreamOpenArgs): Promise<string[]> {
    const { streamId } = args;
    const tell = (event: Parameters<TabMachine["happened"]>[2]): void =>
      this.#feed(this.#machine.happened(term, tab, event));
    let ended = false;
    const { end, existing } = await this.#engine.openStream(args, {
      value: (value) => tell({ type: "stream", streamId, event: "value", value }),
      error: (error) => tell({ type: "stream", streamId, event: "error", error }),
      end: () => {
        ended = true;
        this.#streams.get(tab)?.delete(streamId);
        tell({ type: "stream", streamId, event: "end" });
      },
    });
    if (ended) return existing;
    let streams = this.#streams.get(tab);
    if (streams === undefined) this.#streams.set(tab, (streams = new Map()));
    // Asked for again after an answer got lost: one stream is enough.
    streams.get(streamId)?.();
    streams.set(streamId, end);
    return existing;
  }

  /** The database has another key, with which this tab is to open it from now on. */
  async #rekeyed(dbEncryptionKey: Uint8Array | undefined): Promise<void> {
    this.#args = { ...this.#args, dbEncryptionKey };
    // The page starts another worker when it comes back from the back/forward cache.
    this.#post({ type: "rekeyed", dbEncryptionKey });
    this.#shared = await sharedOf(this.#args);
  }

  #endStream(tab: TabId, streamId: number): void {
    const end = this.#streams.get(tab)?.get(streamId);
    this.#streams.get(tab)?.delete(streamId);
    end?.();
  }

  #endStreams(tab: TabId): void {
    for (const streamId of [...(this.#streams.get(tab)?.keys() ?? [])]) this.#endStream(tab, streamId);
    this.#streams.delete(tab);
  }

  #forget(tab: TabId): void {
    this.#endStreams(tab);
    this.#watches.get(tab)?.abort();
    this.#watches.delete(tab);
    this.#mailTo.get(tab)?.close();
    this.#mailTo.delete(tab);
    if (this.#surroundings.delete(tab)) this.#setNetwork();
  }

  /** A tab holds a lock of its own for as long as it is there. */
  #watch(tab: TabId): void {
    const watch = new AbortController();
    this.#watches.set(tab, watch);
    navigator.locks
      .request(this.#boxOf(tab), { signal: watch.signal }, () => this.#feed(this.#machine.gone(tab)))
      .catch(() => undefined);
  }

  /** One tab in sight, or with a network, is enough. */
  #setNetwork(): void {
    const all = [...this.#surroundings.values()];
    if (all.length === 0) return;
    try {
      this.#engine.setNetwork({ online: all.some((one) => one.online), visible: all.some((one) => one.visible) });
    } catch (error) {
      if (this.#engine.isTrap(error)) this.#onTrap(error);
    }
  }
}

/** Refuses a tab that wants something else than what is open. */
function checkShared(own: Shared, asked: Shared): void {
  if (own.keyHash !== asked.keyHash) {
    throw new XmtpError("storage.wrong_key", "another tab has this database open with another dbEncryptionKey");
  }
  const same =
    own.apiUrl === asked.apiUrl && own.env === asked.env && own.nonce === asked.nonce &&
    own.disableDeviceSync === asked.disableDeviceSync &&
    own.identifier.identifierKind === asked.identifier.identifierKind &&
    own.identifier.identifier.toLowerCase() === asked.identifier.identifier.toLowerCase();
  if (!same) {
    throw new XmtpError(
      "storage.locked_by_other_tab",
      "another tab has this database open with another node, account or option: give both the same",
    );
  }
}
