/** Calling functions of the app. What they throw is the app's own fault: it is to be seen, and must stop nothing here. */
import { toPlainError, XmtpError } from "./errors.js";

/** Lets an error of the app be seen as one that nobody caught. @internal */
export function reportUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

/** Calls a function of the app, if there is one. @internal */
export function callApp<A extends unknown[]>(callback: ((...args: A) => void) | undefined, ...args: A): void {
  try {
    callback?.(...args);
  } catch (error) {
    reportUncaught(error);
  }
}

/**
 * Does something with one value of a stream. What is thrown concerns that value alone: it goes to `onError`, or is seen as
 * uncaught where nobody hears errors. @internal
 */
export function withValue(onError: ((error: XmtpError) => void) | undefined, act: () => void): void {
  try {
    act();
  } catch (error) {
    if (onError === undefined) reportUncaught(error);
    else callApp(onError, asXmtpError(error));
  }
}

/** What was thrown, as this package's own error, with the original as its cause. @internal */
export function asXmtpError(thrown: unknown): XmtpError {
  if (thrown instanceof XmtpError) return thrown;
  const { code, message, retryable, details } = toPlainError(thrown);
  return new XmtpError(code, message, { retryable, details, cause: thrown });
}
