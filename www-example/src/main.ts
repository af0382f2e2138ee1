/** Puts the pieces together: the welcome page, then the list beside the open conversation. */
import { Chat, isGroup } from "./chat.js";
import { detailsDialog } from "./details.js";
import { h, icon, toast } from "./dom.js";
import { explain } from "./explain.js";
import { askWallet, forget, newThrowaway, remember, remembered, type Remembered } from "./identity.js";
import { newConversationDialog } from "./new-conversation.js";
import { Notices } from "./notices.js";
import { personDialog } from "./person.js";
import { Sidebar } from "./sidebar.js";
import { Thread } from "./thread.js";
import { connecting, failed, welcome } from "./welcome.js";

const app = document.querySelector<HTMLElement>("#app") as HTMLElement;

function showWelcome(): void {
  app.replaceChildren(
    welcome({
      throwaway: () => void connect(newThrowaway()),
      wallet: () => void askWallet().then(connect, (error: unknown) => toast(explain(error), "error")),
    }),
  );
}

async function connect(identity: Remembered): Promise<void> {
  // Kept before anything is registered with it: a key that is lost half-way would leave an inbox nobody can open.
  remember(identity);
  app.replaceChildren(connecting());
  try {
    showChat(await Chat.connect(identity));
  } catch (error) {
    const startOver = (): void => {
      forget();
      showWelcome();
    };
    app.replaceChildren(failed(error, () => void connect(identity), startOver));
    app.querySelector<HTMLElement>("[data-testid=connect-retry]")?.focus();
  }
}

function showChat(chat: Chat): void {
  const main = h("div", { class: "main" });
  const sidebar = new Sidebar(chat, {
    start: () => newConversationDialog(chat, open),
    open,
  });
  const notices = new Notices(chat);
  const layout = h("main", { class: "layout", "data-testid": "chat" }, h("h1", { class: "spoken" }, "xmtp-web chat"), notices.element, sidebar.element, main);
  let thread: Thread | undefined;
  /** What the place beside the list says while nothing is open. */
  let isEmpty: boolean | undefined;

  function open(id: string, messageId?: string): void {
    const hash = messageId === undefined ? `#/${id}` : `#/${id}/${messageId}`;
    if (location.hash === hash) route();
    else location.hash = hash;
  }

  /** The address decides what is open, so the browser's own back button works. */
  function route(): void {
    const [id = "", messageId] = location.hash.slice(2).split("/");
    const conversation = chat.conversations.get(id);
    const left = thread?.conversation.id;
    chat.openId = conversation?.id;
    layout.dataset["view"] = conversation ? "thread" : "list";
    if (!conversation) {
      thread?.close();
      thread = undefined;
      isEmpty = undefined;
    } else if (thread?.conversation !== conversation) {
      thread?.close();
      thread = new Thread(chat, conversation, {
        back: () => (location.hash = ""),
        details: () => (isGroup(conversation) ? detailsDialog(chat, conversation) : personDialog(chat, conversation)),
      });
      main.replaceChildren(thread.element);
      render();
      thread.focus();
    }
    render();
    if (messageId !== undefined) void thread?.reveal(messageId).catch((error: unknown) => toast(explain(error), "error"));
    if (!conversation && left !== undefined) sidebar.focusOn(left);
  }

  function render(): void {
    const current = thread?.conversation;
    if (!current && isEmpty !== (chat.conversations.size === 0)) {
      isEmpty = chat.conversations.size === 0;
      main.replaceChildren(nothingOpen(isEmpty));
    }
    if (current && document.visibilityState === "visible") chat.markRead(current);
    notices.render();
    sidebar.render();
    thread?.render();
    const unread = [...chat.conversations.values()].reduce((sum, each) => sum + each.unread, 0);
    document.title = unread > 0 ? `(${unread}) xmtp-web chat` : "xmtp-web chat";
  }

  // Several changes in one turn are drawn once.
  let queued = false;
  chat.onChange = () => {
    if (queued) return;
    queued = true;
    queueMicrotask(() => {
      queued = false;
      if ((location.hash.slice(2).split("/")[0] ?? "") !== (chat.openId ?? "")) route();
      else render();
    });
  };
  addEventListener("hashchange", route);
  document.addEventListener("visibilitychange", render);
  app.replaceChildren(layout);
  route();
}

/** Beside the list, which says what to do when it is empty. */
function nothingOpen(isEmpty: boolean): HTMLElement {
  return h(
    "div",
    { class: "empty empty-main", "data-testid": "nothing-open" },
    icon(isEmpty ? "lock" : "chat"),
    h("strong", {}, isEmpty ? "What you write will be here" : "Pick a conversation"),
    h("p", {}, isEmpty ? "Only you and the people you write to can read it." : "Or start one with the plus sign. Only the people in it can read what is written."),
  );
}

const identity = remembered();
if (identity) void connect(identity);
else showWelcome();
