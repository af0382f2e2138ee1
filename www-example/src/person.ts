/** The dialog about a direct message: who the other person is, how long messages stay, and keeping them out. */
import { ConsentState } from "xmtp-web";
import type { Chat, Conversation } from "./chat.js";
import { dialog, run } from "./dialog.js";
import { avatar, copy, h, icon, initials, toast } from "./dom.js";
import { explain } from "./explain.js";
import { timeRow } from "./settings.js";

export function personDialog(chat: Chat, conversation: Conversation): void {
  const inboxId = conversation.peer as string;
  const title = chat.titleOf(conversation);
  const addresses = conversation.members.find((each) => each.inboxId === inboxId)?.accountIdentifiers ?? [];
  const problem = h("p", { class: "problem", role: "alert", "data-testid": "dialog-error" });
  const keepOut = h("button", { class: "button button-leave", type: "button", "data-testid": "keep-out" }, "Keep out");
  keepOut.addEventListener("click", () => {
    void run(keepOut, problem, () => chat.decide(conversation, ConsentState.Denied)).then((done) => {
      if (!done) return;
      element.close();
      toast(`${title} is kept out`);
    });
  });
  const element = dialog(
    "Conversation details",
    "person-dialog",
    h(
      "div",
      { class: "dialog-body" },
      h("div", { class: "person" }, avatar(inboxId, initials(title)), h("strong", {}, title)),
      ...addresses.map(({ identifier }) => idRow("Address", identifier)),
      idRow("Inbox id", inboxId),
      h("h3", {}, "Disappearing messages"),
      timeRow(conversation.active, conversation, (control, work) =>
        run(control, problem, async () => {
          await work();
          await chat.changed(conversation);
        }),
      ),
      problem,
      conversation.consent !== ConsentState.Denied &&
        h("div", { class: "leaving" }, keepOut, h("p", { class: "note" }, "What they write is put aside, and they are not told. You can let them in again at any time.")),
    ),
  );
}

function idRow(label: string, value: string): HTMLElement {
  return h(
    "div",
    { class: "id-row" },
    h("div", { class: "id-text" }, h("span", { class: "id-label" }, label), h("code", {}, value)),
    h(
      "button",
      { class: "button button-quiet button-round", type: "button", "aria-label": `Copy ${label.toLowerCase()}`, title: `Copy ${label.toLowerCase()}`, onclick: () => void copy(value, label).catch((error: unknown) => toast(explain(error), "error")) },
      icon("copy"),
    ),
  );
}
