/**
 * The error classes of `@xmtp/browser-sdk`, for code that catches by class. Every error here is an {@link XmtpError}; it is an
 * instance of one of these when its `code` says so. New code matches on `code`.
 */
import { XmtpError } from "./errors.js";
import { hasEndedStream } from "./stream-failure.js";

function isOneOf(...codes: string[]): (value: unknown) => boolean {
  return (value) => value instanceof XmtpError && codes.includes(value.code);
}

/** `identity.account_already_associated` */
export abstract class AccountAlreadyAssociatedError extends XmtpError {
  static override [Symbol.hasInstance] = isOneOf("identity.account_already_associated");
}

/** `client.closed`: a client that is not open yet does not exist here. */
export abstract class ClientNotInitializedError extends XmtpError {
  static override [Symbol.hasInstance] = isOneOf("client.closed");
}

/** `group.not_found` */
export abstract class GroupNotFoundError extends XmtpError {
  static override [Symbol.hasInstance] = isOneOf("group.not_found");
}

/** `identity.inbox_reassign` */
export abstract class InboxReassignError extends XmtpError {
  static override [Symbol.hasInstance] = isOneOf("identity.inbox_reassign");
}

/** `identity.signer_refused`, and `identity.not_registered` of a client without a signer. */
export abstract class SignerUnavailableError extends XmtpError {
  static override [Symbol.hasInstance] = isOneOf("identity.signer_refused", "identity.not_registered");
}

/** `client.closed`: there is no other time at which `Opfs` cannot be used. */
export abstract class OpfsNotInitializedError extends XmtpError {
  static override [Symbol.hasInstance] = isOneOf("client.closed");
}

/** Never: a stream is known by its object. */
export abstract class StreamNotFoundError extends XmtpError {
  static override [Symbol.hasInstance] = isOneOf();
}

/** `argument.invalid` about `retryAttempts`. */
export abstract class StreamInvalidRetryAttemptsError extends XmtpError {
  static override [Symbol.hasInstance] = (value: unknown): boolean =>
    value instanceof XmtpError &&
    value.code === "argument.invalid" &&
    (value.details as { option?: unknown } | undefined)?.option === "retryAttempts";
}

/** The error that a stream has ended with, whatever its code. */
export abstract class StreamFailedError extends XmtpError {
  static override [Symbol.hasInstance] = (value: unknown): boolean => value instanceof XmtpError && hasEndedStream(value);
}

/** `storage.locked_by_other_tab` and `storage.unavailable`. */
export abstract class OpfsInitializationError extends XmtpError {
  static override [Symbol.hasInstance] = isOneOf("storage.locked_by_other_tab", "storage.unavailable");
}
