/** Giving a call up by an `AbortSignal`. */
import { invalidArgument, XmtpError } from "./errors.js";

/** What every call that may take long takes besides its own options. */
export interface CallOptions {
  /**
   * Ends the waiting: the call rejects with `call.aborted`, with the signal's reason as its `cause`. What it began in the
   * database or at the node may still happen.
   */
  signal?: AbortSignal | undefined;
}

/** @internal */
export function checkSignal(signal: unknown): void {
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw invalidArgument("signal must be an AbortSignal");
}

/** Throws if there is nothing to begin any more. @internal */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortedBy(signal);
}

/** @internal */
export function abortedBy(signal: AbortSignal): XmtpError {
  return new XmtpError("call.aborted", "the call was given up by its signal", { cause: signal.reason });
}

/** Begins a call unless its signal has fired, and waits for it until the signal does. @internal */
export async function abortable<T>(signal: AbortSignal | undefined, begin: () => Promise<T>): Promise<T> {
  if (signal === undefined) return begin();
  checkSignal(signal);
  throwIfAborted(signal);
  let giveUp = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    giveUp = () => reject(abortedBy(signal));
    signal.addEventListener("abort", giveUp, { once: true });
  });
  try {
    return await Promise.race([begin(), aborted]);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

/** Options as the worker gets them, which knows no signals. @internal */
export function withoutSignal<T extends CallOptions>({ signal: _, ...rest }: T): Omit<T, "signal"> {
  return rest;
}
