/** An error as it crosses the worker boundary: structured cloning would drop an `Error`'s own properties. */
export interface PlainError {
  code: string;
  message: string;
  retryable: boolean;
  details?: unknown;
}

/**
 * Every failure of this package.
 *
 * `code` never changes with a release (docs/ERRORS.md lists them all), `message` is for people and may,
 * `retryable` says whether the same call may succeed later without the caller changing anything, `details`
 * holds what the code promises (often nothing).
 */
export class XmtpError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly details: unknown;

  constructor(code: string, message: string, options: { retryable?: boolean; details?: unknown; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "XmtpError";
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.details = options.details;
  }

  /** The form that crosses the worker boundary. @internal */
  toPlain(): PlainError {
    return { code: this.code, message: this.message, retryable: this.retryable, details: this.details };
  }

  /** Rebuilds what {@link XmtpError.toPlain} made. @internal */
  static fromPlain(plain: PlainError): XmtpError {
    return new XmtpError(plain.code, plain.message, { retryable: plain.retryable, details: plain.details });
  }
}

/** Turns whatever was thrown into its plain form; a value without a code is a defect and gets `internal`. @internal */
export function toPlainError(thrown: unknown): PlainError {
  if (thrown instanceof XmtpError) return thrown.toPlain();
  if (typeof thrown === "object" && thrown !== null && typeof (thrown as PlainError).code === "string") {
    const { code, message, retryable, details } = thrown as PlainError;
    return { code, message: String(message), retryable: retryable === true, details: plainDetails(details) };
  }
  const text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return { code: "internal", message: text, retryable: false };
}

/** Details must survive structured cloning; what does not is shown as text. */
function plainDetails(details: unknown): unknown {
  try {
    return structuredClone(details);
  } catch {
    return String(details);
  }
}

/** @internal */
export function invalidArgument(message: string): XmtpError {
  return new XmtpError("argument.invalid", message);
}

/** @internal */
export function unsupported(message: string): XmtpError {
  return new XmtpError("argument.unsupported", message);
}
