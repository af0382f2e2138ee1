/** The dialogs: a new group, and what a group is made of. */
import { PermissionLevel, ethereumIdentifier } from "xmtp-web";
import { explain, type Chat, type Conversation } from "./chat.js";
import { avatar, copy, h, icon, shortAddress } from "./dom.js";
import { settings } from "./settings.js";
import { initials } from "./sidebar.js";

/** Splits what was pasted: addresses between spaces, commas or line breaks, each once. */
export function parseAddresses(text: string): { addresses: string[]; wrong: string[] } {
  const words = [...new Set(text.split(/[\s,;]+/).filter(Boolean).map((word) => word.toLowerCase()))];
  const isAddress = (word: string): boolean => /^0x[0-9a-f]{40}$/.test(word);
  return { addresses: words.filter(isAddress), wrong: words.filter((word) => !isAddress(word)) };
}

function dialog(title: string, testId: string, ...children: (HTMLElement | false)[]): HTMLDialogElement {
  const element = h(
    "dialog",
    { "aria-label": title, "data-testid": testId, onclose: () => element.remove() },
    h(
      "header",
      { class: "dialog-header" },
      h("h2", {}, title),
      h("button", { class: "button button-quiet button-round", type: "button", "aria-label": "Close", onclick: () => element.close() }, icon("close")),
    ),
    ...children,
  );
  // A click beside the dialog closes it.
  element.addEventListener("click", (event) => event.target === element && element.close());
  document.body.append(element);
  element.showModal();
  return element;
}

/** Runs something slow behind a button: disabled meanwhile, the reason shown when it fails. */
async function run(
  button: HTMLButtonElement | HTMLSelectElement,
  problem: HTMLElement,
  work: () => Promise<void>,
): Promise<boolean> {
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  problem.textContent = "";
  try {
    await work();
    return true;
  } catch (error) {
    problem.textContent = explain(error);
    return false;
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
}

export function newGroupDialog(chat: Chat, open: (id: string) => void): void {
  const name = h("input", { id: "group-name", type: "text", maxlength: 100, placeholder: "Weekend trip", autocomplete: "off", "data-testid": "group-name" });
  const addresses = h("textarea", { id: "group-addresses", rows: 3, placeholder: "0x…, one per line or separated by commas", spellcheck: "false", "data-testid": "group-addresses" });
  const problem = h("p", { class: "problem", role: "alert", "data-testid": "dialog-error" });
  const create = h("button", { class: "button button-primary", type: "submit", "data-testid": "create-group" }, "Create group");
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const { addresses: found, wrong } = parseAddresses(addresses.value);
    const others = found.filter((address) => address !== chat.address);
    if (wrong.length > 0) problem.textContent = `Not an address: ${shortAddress(wrong[0] as string)}`;
    else if (others.length === 0) problem.textContent = "Paste at least one address.";
    else {
      void run(create, problem, async () => {
        const conversation = await chat.createGroup(name.value.trim(), others);
        element.close();
        open(conversation.group.id);
      });
    }
  };
  const element = dialog(
    "New group",
    "new-group-dialog",
    h(
      "form",
      { class: "dialog-body", onsubmit: submit },
      h("label", { for: "group-name" }, "Name ", h("span", { class: "optional" }, "optional")),
      name,
      h("label", { for: "group-addresses" }, "People"),
      addresses,
      h("p", { class: "note" }, "Wallet addresses of people who have opened this chat at least once."),
      problem,
      h("div", { class: "dialog-actions" }, create),
    ),
  );
  addresses.focus();
}

const ROLES: Record<PermissionLevel, string> = {
  [PermissionLevel.Member]: "",
  [PermissionLevel.Admin]: "Admin",
  [PermissionLevel.SuperAdmin]: "Super admin",
};

export function detailsDialog(chat: Chat, conversation: Conversation): void {
  const { group } = conversation;
  const problem = h("p", { class: "problem", role: "alert", "data-testid": "dialog-error" });
  const members = h("ul", { class: "members", "data-testid": "members" });
  const showMembers = (): void => {
    members.replaceChildren(...conversation.members.map((member) => memberRow(chat, member)));
  };
  showMembers();

  const name = h("input", { id: "rename", type: "text", maxlength: 100, value: group.name, autocomplete: "off", "data-testid": "rename" });
  const rename = h("button", { class: "button", type: "submit", "data-testid": "rename-save" }, "Rename");
  const address = h("input", { id: "add-member", type: "text", placeholder: "0x…", spellcheck: "false", autocomplete: "off", "data-testid": "add-member" });
  const add = h("button", { class: "button", type: "submit", "data-testid": "add-member-save" }, "Add");
  const submitting = (button: HTMLButtonElement, work: () => Promise<void>) => (event: SubmitEvent) => {
    event.preventDefault();
    void run(button, problem, async () => {
      await work();
      await chat.changed(conversation);
      showMembers();
    });
  };
  dialog(
    "Group details",
    "details-dialog",
    h(
      "div",
      { class: "dialog-body" },
      conversation.active &&
        h(
          "form",
          { class: "inline-form", onsubmit: submitting(rename, () => group.updateName(name.value.trim())) },
          h("label", { for: "rename" }, "Group name"),
          h("div", { class: "inline" }, name, rename),
        ),
      h("h3", {}, "Members"),
      members,
      conversation.active &&
        h(
          "form",
          {
            class: "inline-form",
            onsubmit: submitting(add, async () => {
              await group.addMembersByIdentifiers([ethereumIdentifier(address.value.trim())]);
              address.value = "";
            }),
          },
          h("label", { for: "add-member" }, "Add someone by address"),
          h("div", { class: "inline" }, address, add),
        ),
      settings(chat, conversation, (control, work) =>
        run(control, problem, async () => {
          await work();
          await chat.changed(conversation);
        }),
      ),
      problem,
    ),
  );
}

function memberRow(chat: Chat, member: Conversation["members"][number]): HTMLElement {
  const address = member.accountIdentifiers[0]?.identifier ?? member.inboxId;
  const own = member.inboxId === chat.client.inboxId;
  const label = chat.nameOf(member.inboxId);
  return h(
    "li",
    { class: "member", "data-testid": "member", "data-inbox": member.inboxId },
    avatar(member.inboxId, initials(own ? address : label), true),
    h("span", { class: "member-text" }, own && h("span", {}, "You"), h("code", {}, shortAddress(address))),
    ROLES[member.permissionLevel] !== "" && h("span", { class: "role" }, ROLES[member.permissionLevel]),
    h("button", { class: "button button-quiet button-round", type: "button", "aria-label": `Copy address of ${label}`, onclick: () => void copy(address, "Address") }, icon("copy")),
  );
}
