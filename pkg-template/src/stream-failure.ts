/** Which errors have ended a stream: an error does not show by itself that nothing follows it. */
import type { XmtpError } from "./errors.js";

const last = new WeakSet<XmtpError>();

export function markLast(error: XmtpError): XmtpError {
  last.add(error);
  return error;
}

export function hasEndedStream(error: XmtpError): boolean {
  return last.has(error);
}
