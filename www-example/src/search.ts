/** Looks for words in the messages that are on this device, page by page from the newest back. The node is not asked. */
import { isText, isMarkdown, isTextReply, isAttachment, isRemoteAttachment, SortDirection, type DecodedMessage } from "xmtp-web";
import type { Chat, Conversation } from "./chat.js";

export interface Hit {
  conversation: Conversation;
  message: DecodedMessage;
  text: string;
  /** Where in `text` the words begin; -1 where that is not known. */
  at: number;
}

export interface Found {
  hits: Hit[];
  /** Conversations looked through, of how many. */
  done: number;
  total: number;
  /** How many messages were looked at. */
  messages: number;
  /** False: a conversation had more messages than are looked at, or there were too many hits. */
  complete: boolean;
}

const PAGE = 200;
/** How many of the newest messages of each conversation are looked at. */
export const DEPTH = 2_000;
const MOST_HITS = 100;

/** Tells how far it is after each conversation. */
export async function* search(chat: Chat, words: string, signal: AbortSignal): AsyncGenerator<Found> {
  const wanted = words.toLocaleLowerCase();
  const conversations = chat.sorted();
  const found: Found = { hits: [], done: 0, total: conversations.length, messages: 0, complete: true };
  for (const conversation of conversations) {
    for await (const message of newestFirst(conversation, found)) {
      if (signal.aborted) return;
      found.messages += 1;
      const text = searchable(chat, message);
      const lower = text?.toLocaleLowerCase();
      if (text === undefined || !lower?.includes(wanted)) continue;
      // Some letters change their length in lower case.
      found.hits.push({ conversation, message, text, at: lower.length === text.length ? lower.indexOf(wanted) : -1 });
      if (found.hits.length === MOST_HITS) {
        yield { ...found, complete: false, done: found.total };
        return;
      }
    }
    found.done += 1;
    yield { ...found };
  }
}

function searchable(chat: Chat, message: DecodedMessage): string | undefined {
  const said = isText(message) || isMarkdown(message) || isTextReply(message) || isAttachment(message) || isRemoteAttachment(message);
  return said ? chat.textOf(message) : undefined;
}

async function* newestFirst({ group }: Conversation, found: Found): AsyncGenerator<DecodedMessage> {
  const seen = new Set<string>();
  let before: bigint | undefined;
  while (seen.size < DEPTH) {
    const page = await group.messages({
      limit: BigInt(PAGE),
      direction: SortDirection.Descending,
      ...(before === undefined ? {} : { sentBeforeNs: before }),
    });
    const fresh = page.filter(({ id }) => !seen.has(id));
    for (const message of fresh) seen.add(message.id);
    yield* fresh;
    const oldest = page.at(-1);
    if (oldest === undefined || fresh.length === 0 || page.length < PAGE) return;
    // Several messages may have the same time.
    before = oldest.sentAtNs + 1n;
  }
  found.complete = false;
}
