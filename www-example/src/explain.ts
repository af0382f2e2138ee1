/** What to tell a person about an error: what is wrong, and what to do. */
import { XmtpError } from "xmtp-web";
import { nodeUrl } from "./identity.js";

export function asXmtpError(error: unknown): XmtpError {
  if (error instanceof XmtpError) return error;
  return new XmtpError("internal", error instanceof Error ? error.message : String(error));
}

/** What to tell a person. */
export function explain(error: unknown): string {
  const { code, message } = asXmtpError(error);
  switch (code) {
    case "network.unavailable":
    case "network.timeout":
      return `The node at ${nodeUrl} cannot be reached. Is it running?`;
    case "storage.locked_by_other_tab":
      return "This account is open in another tab that uses another node. Close that one, then try again.";
    case "storage.newer_schema":
    case "tabs.newer_version":
      return "A newer version of this page has opened your conversations. Reload to go on.";
    case "tabs.no_leader":
      return "The tab that has your conversations open does not answer. Close the other tabs, then try again.";
    case "tabs.outcome_unknown":
      return "Another tab was closed in the middle of this, so it may or may not have happened. Look, then try again.";
    case "storage.unavailable":
      return "This browser gives the page no storage. A private window often refuses it.";
    case "identity.unknown_address":
      return "Nobody has signed up with one of these addresses on this network yet.";
    case "identity.unknown_inbox":
      return "Nobody on this network has that inbox id.";
    case "identity.invalid_address":
      return "One of these is not an address: 0x and 40 hex digits.";
    case "identity.signer_refused":
      return "The wallet did not sign.";
    case "message.removal_too_late":
      return "It is more than a day old: only an admin can remove it now.";
    case "group.paused":
      return "This conversation needs a newer version of the app.";
    case "group.minimum_version":
      return "Choose a version that is not above this app's own and not below the one the group has.";
    case "group.cannot_leave":
      return "A super admin cannot leave. Make somebody else super admin and give your own role up first.";
    case "message.attachment_rejected":
      return "The file is not the one that was sent. It was not opened.";
    case "group.not_permitted":
      return "This group's rules do not let you do that.";
    default:
      return `${message} (${code})`;
  }
}
