import { abortable, checkSignal } from "./abort.js";
import { callApp, withValue } from "./callbacks.js";
import type { Channel } from "./channel.js";
import { asyncDispose } from "./dispose.js";
import { XmtpError } from "./errors.js";
import type { StreamSource, StreamValue } from "./rpc.js";
import { markLast } from "./stream-failure.js";
import { Told } from "./told.js";
import { LogLevel } from "./types.js";

/** `V` is what comes out, `T` unless it is given: two parameters as in the package this one follows. */
export interface StreamOptions<T = unknown, V = T> {
  /** Called with each value, beside the iterator. What it throws goes to `onError`. */
  onValue?: (value: V) => void;
  /**
   * Called with an error of a single value (the stream goes on), with the one for which the sync before a stream could not be
   * made (it goes on too: what is missed comes with the network) and with the last error of a stream that gives up.
   */
  onError?: (error: XmtpError) => void;
  /** The stream broke and will not be retried, since that is not wanted or in vain, or the retries are used up. */
  onFail?: () => void;
  /** Before each retry; counts from 1. */
  onRetry?: (attempt: number, maxAttempts: number) => void;
  /** A retry succeeded. What was missed meanwhile is delivered too. */
  onRestart?: () => void;
  /** Nothing follows, whatever the reason. Called once. */
  onEnd?: () => void;
  /** Default true. */
  retryOnFail?: boolean;
  /** Retries in a row before giving up. Default 6. */
  retryAttempts?: number;
  /** Longest wait before a retry, milliseconds; waits start at half a second and double. Default 10 000. */
  retryDelay?: number;
  /** Default false: a sync runs before the stream starts. */
  disableSync?: boolean;
  /** Ends the stream, as `end()` does. While it is being opened the call rejects with `call.aborted`. */
  signal?: AbortSignal | undefined;
}

const STREAM_OPTIONS: ReadonlySet<string> = new Set<keyof StreamOptions<never>>([
  "onValue", "onError", "onFail", "onRetry", "onRestart", "onEnd",
  "retryOnFail", "retryAttempts", "retryDelay", "disableSync", "signal",
]);

/** First wait of the back-off, milliseconds. */
const FIRST_RETRY_MS = 500;
/** A stream that has lived this long has recovered: the count of retries starts again. Milliseconds. */
const STEADY_MS = 5_000;
/** How many values wait for an iterator that nobody has read from yet; older ones are dropped. */
const UNREAD_VALUES = 10_000;

/** An async iterator over what happens. End it by `end()`, `return()` or by leaving the loop. */
export class AsyncStreamProxy<T> implements AsyncIterableIterator<T> {
  readonly #queue: T[] = [];
  readonly #waiting: ((result: IteratorResult<T>) => void)[] = [];
  readonly #stop: () => void;
  /** Whether anybody ever asked for a value: who only gives `onValue` never does. */
  #read = false;
  #done = false;

  /** @internal */
  constructor(stop: () => void) {
    this.#stop = stop;
  }

  get isDone(): boolean {
    return this.#done;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  // Functions of their own, so that they can be passed on: as what an effect of React cleans up with.
  readonly next = (): Promise<IteratorResult<T>> => {
    this.#read = true;
    const value = this.#queue.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#done) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiting.push(resolve));
  };

  readonly return = (): Promise<IteratorResult<T>> => {
    this.#queue.length = 0;
    this.#finish();
    return Promise.resolve({ done: true, value: undefined });
  };

  /** Stops the stream. Values already received can still be read. */
  readonly end = (): Promise<IteratorResult<T>> => {
    this.#finish();
    return Promise.resolve({ done: true, value: undefined });
  };

  /** Ends the stream: for `await using`. */
  async [asyncDispose](): Promise<void> {
    this.#finish();
  }

  /** @internal */
  push(value: T): void {
    if (this.#done) return;
    const waiting = this.#waiting.shift();
    if (waiting) waiting({ done: false, value });
    else this.#queue.push(value);
    if (!this.#read && this.#queue.length > UNREAD_VALUES) this.#queue.shift();
  }

  #finish(): void {
    if (this.#done) return;
    this.#done = true;
    for (const waiting of this.#waiting.splice(0)) waiting({ done: true, value: undefined });
    this.#stop();
  }
}

/** Opens a stream on the worker and keeps it open. @internal */
export async function openStream<T>(
  channel: Channel,
  source: StreamSource,
  /** Builds the page's object; undefined leaves the value out. */
  convert: (value: StreamValue) => T | undefined,
  options: StreamOptions<T> = {},
): Promise<AsyncStreamProxy<T>> {
  checkStreamOptions(options);
  const { log } = channel;
  const { retryOnFail = true, retryAttempts = 6, retryDelay = 10_000, signal } = options;
  let isOpen = false;
  /** Why there is no stream, which shows while it is being opened. */
  let refused: XmtpError | undefined;
  let streamId: number | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let attempts = 0;
  /** Since when the worker has it open; undefined while it does not. Milliseconds. */
  let openedAt: number | undefined;
  /** What went out, so that nothing comes twice after a restart. */
  const told = new Told(source.type === "messages" || source.type === "allMessages");

  const proxy = new AsyncStreamProxy<T>(() => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
    if (streamId !== undefined) {
      channel.unlisten(streamId);
      // A worker that is gone has ended the stream by itself.
      channel.call("stream.end", { streamId }).catch(() => undefined);
    }
    // Whoever never got the stream hears of its end by the rejected call alone.
    if (isOpen) callApp(options.onEnd);
  });
  const end = (): void => void proxy.end();

  const connect = async (syncFirst: boolean, since?: bigint): Promise<void> => {
    const id = channel.listen({
      kind: source.type,
      onValue(value) {
        if ("id" in value && !told.isNew(value)) return;
        withValue(options.onError, () => {
          const item = convert(value);
          if (item === undefined) return;
          // What the opening itself tells is no sign that the stream holds.
          if (openedAt !== undefined) attempts = 0;
          proxy.push(item);
          options.onValue?.(item);
        });
      },
      onError: (error) => {
        if (error.code === "identity.installation_revoked" || isMissing(source, error)) giveUp(error);
        else callApp(options.onError, error);
      },
      onEnd: (error) => {
        if (streamId === id) broken(error);
      },
    });
    streamId = id;
    try {
      const existing = await channel.call("stream.open", { streamId: id, source, syncFirst, since });
      log?.write(since === undefined ? LogLevel.Debug : LogLevel.Info, since === undefined ? "stream open" : "stream open again", { stream: source.type });
      if (since === undefined) for (const known of existing) told.knows(known);
      if (streamId === id) openedAt = Date.now();
    } catch (error) {
      channel.unlisten(id);
      if (streamId === id) streamId = undefined;
      throw error;
    }
    // Ended while it was being opened: the worker did not know the id yet.
    if (proxy.isDone) channel.call("stream.end", { streamId: id }).catch(() => undefined);
  };

  const giveUp = (error: XmtpError): void => {
    if (!isOpen) {
      refused = error;
      return end();
    }
    log?.error("stream gives up", { stream: source.type, code: error.code });
    callApp(options.onFail);
    callApp(options.onError, markLast(error));
    void proxy.end();
  };

  const broken = (error?: XmtpError): void => {
    streamId = undefined;
    if (proxy.isDone) return;
    if (channel.isClosed) {
      if (error && error.code !== "client.closed") giveUp(error);
      else void proxy.end();
      return;
    }
    const last = error ?? new XmtpError("network.unavailable", "the stream to the node broke", { retryable: true });
    if (openedAt !== undefined && Date.now() - openedAt > STEADY_MS) attempts = 0;
    openedAt = undefined;
    log?.warn("stream broke", { stream: source.type, code: last.code, retries: attempts });
    if (!retryOnFail || attempts >= retryAttempts || isInVain(last)) return giveUp(last);
    attempts += 1;
    const attempt = attempts;
    timer = setTimeout(() => {
      callApp(options.onRetry, attempt, retryAttempts);
      connect(false, told.since).then(
        () => {
          if (!proxy.isDone && streamId !== undefined) callApp(options.onRestart);
        },
        (retryError: XmtpError) => broken(retryError),
      );
    }, retryWait(attempt, retryDelay));
  };

  try {
    await abortable(signal, () => {
      signal?.addEventListener("abort", end, { once: true });
      return connect(options.disableSync !== true);
    });
    if (refused !== undefined) throw refused;
  } catch (error) {
    end();
    throw error;
  }
  isOpen = true;
  return proxy;
}

/** Whether the node has nothing that could be followed: public ones will not have the list of XIP-42 for ever. */
function isMissing({ type }: StreamSource, { code }: XmtpError): boolean {
  return type === "consentList" && (code === "network.not_implemented" || code === "preferences.list_closed");
}

/**
 * Whether a stream that is opened once more would fail the same way, as that of an installation that was revoked. A network
 * is another one later: that of a hotel answers in place of the node. A client that is closed is another tab's here.
 */
function isInVain({ code, retryable }: XmtpError): boolean {
  return !retryable && !code.startsWith("network.") && code !== "client.closed";
}

/** How long to wait before a retry, milliseconds: doubling up to `longest`, spread at random. @internal */
export function retryWait(attempt: number, longest: number): number {
  return Math.min(longest, FIRST_RETRY_MS * 2 ** (attempt - 1)) * (0.75 + Math.random() / 2);
}

/** @internal */
export function checkStreamOptions(options: object): void {
  for (const [name, value] of Object.entries(options)) {
    if (!STREAM_OPTIONS.has(name)) throw new XmtpError("argument.unsupported", `streams have no option "${name}"`);
    if (value === undefined) continue;
    if (name === "signal") checkSignal(value);
    if ((name === "retryAttempts" || name === "retryDelay") && !(Number.isFinite(value) && value >= 0)) {
      const message = `${name} must be a number of at least 0`;
      throw new XmtpError("argument.invalid", message, { details: { option: name } });
    }
  }
}
