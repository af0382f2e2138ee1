/** Puts the pieces together: the welcome page, then the list beside the open conversation. */
import { Chat, explain } from "./chat.js";
import { detailsDialog, newGroupDialog } from "./dialogs.js";
import { h, icon, toast } from "./dom.js";
import { askWallet, forget, newThrowaway, remember, remembered, type Remembered } from "./identity.js";
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
  }
}

function showChat(chat: Chat): void {
  const main = h("main", { class: "main" });
  const sidebar = new Sidebar(chat, {
    newGroup: () => newGroupDialog(chat, open),
    open,
  });
  const layout = h("div", { class: "layout", "data-testid": "chat" }, sidebar.element, main);
  let thread: Thread | undefined;

  function open(id: string): void {
    location.hash = `#/${id}`;
  }

  /** The address decides what is open, so the browser's own back button works. */
  function route(): void {
    const id = location.hash.slice(2);
    const conversation = chat.conversations.get(id);
    chat.openId = conversation?.group.id;
    layout.dataset["view"] = conversation ? "thread" : "list";
    if (!conversation) {
      thread = undefined;
      main.replaceChildren(nothingOpen());
    } else if (thread?.conversation !== conversation) {
      thread = new Thread(chat, conversation, {
        back: () => (location.hash = ""),
        details: () => detailsDialog(chat, conversation),
      });
      main.replaceChildren(thread.element);
      render();
      thread.focus();
    }
    render();
  }

  function render(): void {
    const current = thread?.conversation;
    if (current && document.visibilityState === "visible") current.unread = 0;
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
      if (location.hash.slice(2) !== (chat.openId ?? "")) route();
      else render();
    });
  };
  addEventListener("hashchange", route);
  document.addEventListener("visibilitychange", render);
  app.replaceChildren(layout);
  route();
}

function nothingOpen(): HTMLElement {
  return h(
    "div",
    { class: "empty empty-main" },
    icon("lock"),
    h("strong", {}, "Pick a conversation"),
    h("p", {}, "Or start a group with the plus sign."),
  );
}

const identity = remembered();
if (identity) void connect(identity);
else showWelcome();
