/** Which messages a stream that broke may not have told. Runs in the worker. */
import { DeliveryStatus, type ListMessagesOptions } from "./types.js";

/** A list of messages that streams tell of, also of those that lists leave out. */
export type StreamedMessages = ListMessagesOptions & { everything: true };

/**
 * What was stored at `since` or later (nanoseconds since the Unix epoch), and what this installation has sent since then, oldest
 * first, each once: its own messages are stored before they are sent, long before perhaps, and streams tell them when they have been.
 */
export function missedSince<M extends { id: string; insertedAtNs: bigint; senderInstallationId: string }>(
  since: bigint,
  ownInstallationId: string,
  list: (options: StreamedMessages) => M[],
): M[] {
  const options = { deliveryStatus: DeliveryStatus.Published, everything: true } as const;
  const found = new Map<string, M>();
  for (const message of list({ ...options, insertedAfterNs: since - 1n })) found.set(message.id, message);
  for (const message of list({ ...options, sentAfterNs: since - 1n })) {
    if (message.senderInstallationId === ownInstallationId) found.set(message.id, message);
  }
  return [...found.values()].sort((one, other) => (one.insertedAtNs < other.insertedAtNs ? -1 : one.insertedAtNs > other.insertedAtNs ? 1 : 0));
}
