/** Settings of conversations, and what becomes of them. */
import { invalidArgument } from "./errors.js";
import { checkKeys } from "./options.js";

/** Since when messages disappear, and after how long. Both above 0n: they do; else they stay. */
export interface MessageDisappearingSettings {
  /** Nanoseconds since the Unix epoch, UTC. */
  fromNs: bigint;
  /** Nanoseconds from when a client stores a message to when it deletes it. */
  inNs: bigint;
}

/** A conversation stopped or went on because of the protocol version it needs (XIP-72). */
export interface ConversationPause {
  conversationId: string;
  /** The version it waits for; undefined when it goes on. */
  pausedForVersion: string | undefined;
}

/** A position in what the node has of a conversation. */
export interface Cursor {
  /** 0 commits, 10 messages. */
  originatorId: number;
  sequenceId: bigint;
}

/** The inside of a conversation, for people who look for a fault. */
export interface ConversationDebugInfo {
  epoch: bigint;
  /** A message of a later epoch than ours was seen: we may have missed a commit for good. */
  maybeForked: boolean;
  forkDetails: string;
  /**
   * Whether members published another history than ours. Undefined: the node could not be asked, or there is no commit
   * that both know.
   */
  isCommitLogForked?: boolean;
  /** JSON: the commits that were processed here, oldest first. */
  localCommitLog: string;
  /** JSON: what members published of them, as far as it counts; empty when the node could not be asked. */
  remoteCommitLog: string;
  cursor: Cursor[];
}

const INT64_MAX = (1n << 63n) - 1n;

/** @internal */
export function checkDisappearing(settings: MessageDisappearingSettings | undefined): void {
  if (settings === undefined) return;
  checkKeys("messageDisappearingSettings", settings, ["fromNs", "inNs"]);
  for (const name of ["fromNs", "inNs"] as const) {
    const value = settings[name];
    if (typeof value !== "bigint" || value < 0n || value > INT64_MAX) {
      throw invalidArgument(`${name} must be a bigint of nanoseconds from 0 to 2^63 - 1`);
    }
  }
}
