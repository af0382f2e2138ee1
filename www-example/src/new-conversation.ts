/** The dialog that starts a conversation: with one person, or a group. */
import type { Chat, Conversation } from "./chat.js";
import { dialog, run } from "./dialog.js";
import { h, shortAddress } from "./dom.js";

/** Splits what was pasted: addresses and inbox ids between spaces, commas or line breaks, each once. */
export function parsePeople(text: string): { people: string[]; wrong: string[] } {
  const words = [...new Set(text.split(/[\s,;]+/).filter(Boolean).map((word) => word.toLowerCase()))];
  const isPerson = (word: string): boolean => /^(0x[0-9a-f]{40}|[0-9a-f]{64})$/.test(word);
  return { people: words.filter(isPerson), wrong: words.filter((word) => !isPerson(word)) };
}

export function newConversationDialog(chat: Chat, open: (id: string) => void): void {
  const person = h("input", { id: "dm-person", type: "text", placeholder: "0x… or an inbox id", autocomplete: "off", autocapitalize: "off", spellcheck: "false", "data-testid": "dm-person" });
  const name = h("input", { id: "group-name", type: "text", maxlength: 100, placeholder: "Weekend trip", autocomplete: "off", "data-testid": "group-name" });
  const people = h("textarea", { id: "group-people", rows: 3, placeholder: "0x… or inbox ids, one per line or separated by commas", spellcheck: "false", "data-testid": "group-people" });
  const problem = h("p", { class: "problem", role: "alert", "data-testid": "dialog-error" });
  const start = h("button", { class: "button button-primary", type: "submit", "data-testid": "start-conversation" });
  const note = h("p", { class: "note", id: "people-note" });
  const forDm = h("div", { class: "field" }, h("label", { for: "dm-person" }, "To"), person);
  const forGroup = h(
    "div",
    { class: "field" },
    h("label", { for: "group-name" }, "Name ", h("span", { class: "optional" }, "optional")),
    name,
    h("label", { for: "group-people" }, "People"),
    people,
  );
  for (const field of [person, people]) field.setAttribute("aria-describedby", "people-note");

  let isGroup = false;
  const choose = (group: boolean): void => {
    isGroup = group;
    forDm.hidden = group;
    forGroup.hidden = !group;
    problem.textContent = "";
    start.textContent = group ? "Create group" : "Start chat";
    note.textContent = `${group ? "People who have" : "Somebody who has"} opened this chat at least once. An address is shown at the top left of its owner's window.`;
  };
  const kind = (label: string, id: string, group: boolean): HTMLElement =>
    h(
      "label",
      { class: "kind" },
      h("input", { type: "radio", name: "kind", checked: !group, "data-testid": id, onchange: () => choose(group) }),
      h("span", {}, label),
    );

  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const { people: found, wrong } = parsePeople(isGroup ? people.value : person.value);
    const others = found.filter((each) => each !== chat.address && each !== chat.client.inboxId);
    if (wrong.length > 0) problem.textContent = `Not an address or inbox id: ${shortAddress(wrong[0] as string)}`;
    else if (others.length === 0) problem.textContent = found.length > 0 ? "That is you. Who is the other one?" : isGroup ? "Paste at least one address." : "Paste an address or an inbox id.";
    else if (!isGroup && others.length > 1) problem.textContent = "That is more than one person: make a group of them.";
    else {
      void run(start, problem, async () => {
        const made: Conversation = isGroup ? await chat.createGroup(name.value.trim(), others) : await chat.startDm(others[0] as string);
        element.close();
        open(made.id);
      });
    }
  };
  choose(false);
  const element = dialog(
    "New conversation",
    "new-conversation-dialog",
    h(
      "form",
      { class: "dialog-body", onsubmit: submit },
      h("fieldset", { class: "kinds" }, h("legend", { class: "spoken" }, "Kind of conversation"), kind("Direct message", "kind-dm", false), kind("Group", "kind-group", true)),
      forDm,
      forGroup,
      note,
      problem,
      h("div", { class: "dialog-actions" }, start),
    ),
  );
  person.focus();
}
