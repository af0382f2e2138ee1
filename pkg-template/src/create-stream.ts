/** A stream over anything that calls back, with the retries of the package's own streams. */
import { abortable } from "./abort.js";
import { asXmtpError, callApp, withValue } from "./callbacks.js";
import { XmtpError } from "./errors.js";
import { markLast } from "./stream-failure.js";
import { AsyncStreamProxy, checkStreamOptions, retryWait, type StreamOptions } from "./streams.js";

/** Retries in a row before a stream gives up, unless `retryAttempts` says otherwise. */
export const DEFAULT_RETRY_ATTEMPTS = 6;
/** The longest wait before a retry, milliseconds, unless `retryDelay` says otherwise. */
export const DEFAULT_RETRY_DELAY = 10_000;

/** Gets each value, or an error of a single one. */
export type StreamCallback<T = unknown> = (error: Error | null, value: T | undefined) => void;
/** Begins to call back; calls `onFail` when it cannot go on. Answers how to stop it. */
export type StreamFunction<T = unknown> = (callback: StreamCallback<T>, onFail: () => void) => Promise<() => void>;
/** Makes what comes out of what came in; undefined leaves it out. */
export type StreamValueMutator<T = unknown, V = T> = (value: T) => V | Promise<V>;

/**
 * Makes a stream of a function that calls back. When that fails it is begun anew, with a growing wait; after the last retry the
 * stream ends. Values come out in the order in which they came in. `disableSync` means nothing here.
 */
export async function createStream<T = unknown, V = T>(
  streamFunction: StreamFunction<T>,
  streamValueMutator?: StreamValueMutator<T, V | undefined>,
  options: StreamOptions<T, V> = {},
): Promise<AsyncStreamProxy<V>> {
  checkStreamOptions(options);
  const { retryOnFail = true, retryAttempts = DEFAULT_RETRY_ATTEMPTS, retryDelay = DEFAULT_RETRY_DELAY, signal } = options;
  let stop: (() => void) | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let attempts = 0;
  let isOpen = false;
  let handing: Promise<void> = Promise.resolve();

  const proxy = new AsyncStreamProxy<V>(() => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
    callApp(stop);
    stop = undefined;
    if (isOpen) callApp(options.onEnd);
  });
  const end = (): void => void proxy.end();

  const hand = async (value: T): Promise<void> => {
    let made: V | undefined;
    try {
      made = streamValueMutator === undefined ? (value as unknown as V) : await streamValueMutator(value);
    } catch (error) {
      return callApp(options.onError, asXmtpError(error));
    }
    if (made === undefined || proxy.isDone) return;
    attempts = 0;
    proxy.push(made);
    const item = made;
    withValue(options.onError, () => options.onValue?.(item));
  };

  const begin = async (): Promise<void> => {
    let isOver = false;
    const began = await streamFunction(
      (error, value) => {
        if (isOver || proxy.isDone) return;
        if (error !== null) callApp(options.onError, asXmtpError(error));
        else if (value !== undefined) handing = handing.then(() => hand(value));
      },
      () => {
        if (isOver) return;
        isOver = true;
        stop = undefined;
        broken(new XmtpError("network.unavailable", "the stream broke", { retryable: true }));
      },
    );
    if (proxy.isDone || isOver) callApp(began);
    else stop = began;
  };

  const broken = (error: XmtpError): void => {
    if (proxy.isDone) return;
    if (!retryOnFail || attempts >= retryAttempts) {
      callApp(options.onFail);
      callApp(options.onError, markLast(error));
      return end();
    }
    attempts += 1;
    const attempt = attempts;
    timer = setTimeout(() => {
      callApp(options.onRetry, attempt, retryAttempts);
      begin().then(
        () => {
          if (!proxy.isDone && stop !== undefined) callApp(options.onRestart);
        },
        (cause: unknown) => broken(asXmtpError(cause)),
      );
    }, retryWait(attempt, retryDelay));
  };

  try {
    await abortable(signal, () => {
      signal?.addEventListener("abort", end, { once: true });
      return begin();
    });
  } catch (error) {
    end();
    throw error;
  }
  isOpen = true;
  return proxy;
}
