/** How long a registration waits for the node to show the installation. */
import { throwIfAborted } from "./abort.js";
import { invalidArgument, unsupported, XmtpError } from "./errors.js";

/**
 * A client of this API has one node, and `register` resolves only once that node shows the installation: any quorum is met then.
 * What the option adds is patience with a node that takes its time.
 */
export interface VisibilityConfirmationOptions {
  /** The part of the nodes that must show it, above 0 and at most 1: here the one there is. */
  quorumPercentage?: number;
  /** How many nodes must show it: 1 is all there are. */
  quorumAbsolute?: number;
  /** How long to try, milliseconds. Default 30 000. */
  timeoutMs?: number;
}

const NAMES: readonly string[] = ["quorumPercentage", "quorumAbsolute", "timeoutMs"] satisfies (keyof VisibilityConfirmationOptions)[];
const TIMEOUT_MS = 30_000;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 2_000;

/** The longest wait, milliseconds; undefined: none. @internal */
export function visibilityTimeout(options: VisibilityConfirmationOptions | undefined): number | undefined {
  if (options === undefined) return undefined;
  if (typeof options !== "object" || options === null) throw invalidArgument("waitForRegistrationVisible must be an object");
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && !NAMES.includes(name)) throw unsupported(`waitForRegistrationVisible has no option "${name}"`);
  }
  const { quorumPercentage = 1, quorumAbsolute = 1, timeoutMs = TIMEOUT_MS } = options;
  if (!(quorumPercentage > 0 && quorumPercentage <= 1)) throw invalidArgument("quorumPercentage must be above 0 and at most 1");
  if (!(Number.isInteger(quorumAbsolute) && quorumAbsolute > 0)) throw invalidArgument("quorumAbsolute must be a whole number above 0");
  if (quorumAbsolute > 1) throw unsupported("a client has one node: quorumAbsolute can be 1 alone");
  if (!(Number.isFinite(timeoutMs) && timeoutMs >= 0)) throw invalidArgument("timeoutMs must be a number of at least 0");
  return timeoutMs;
}

/** Registers, again and again while the node cannot be reached or does not show the installation yet. @internal */
export async function untilVisible<T>(timeoutMs: number | undefined, signal: AbortSignal | undefined, register: () => Promise<T>): Promise<T> {
  const begun = Date.now();
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(LONGEST_WAIT_MS, 2 * wait)) {
    try {
      return await register();
    } catch (error) {
      const isPending = error instanceof XmtpError && error.code === "network.unavailable";
      if (!isPending || timeoutMs === undefined || Date.now() - begun + wait > timeoutMs) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
    throwIfAborted(signal);
  }
}
