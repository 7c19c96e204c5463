import { api } from "./api.js";
import { dayText, element, find, notice, text } from "./dom.js";
import { showFactors, showRecoveryCodes } from "./factors.js";
import { closeForm, onClick, onSubmit, openForm } from "./forms.js";
import { createPasskey, passkeysWork } from "./passkeys.js";

const form = find("#add-passkey");

export async function showPasskeys() {
  form.hidden = !passkeysWork();
  const { items } = await api.call("GET", "/v1/me/passkeys");
  find("#passkeys").replaceChildren(...items.map(passkeyItem));
}

onSubmit(form, async ({ name }) => {
  const { ceremony, options } = await api.call("POST", "/v1/me/passkeys/begin");
  const credential = await createPasskey(options);
  const added = await api.call("POST", "/v1/me/passkeys", { ceremony, credential, name: name.trim() });
  api.keep(added.tokens);
  form.reset();
  await refresh(text("passkey_added"));
  showRecoveryCodes(added.recovery_codes);
});

async function refresh(message) {
  await Promise.all([showPasskeys(), showFactors()]);
  notice(message);
}

function passkeyItem(passkey) {
  const path = `/v1/me/passkeys/${passkey.id}`;
  const used = passkey.last_used_at ? text("used", { day: dayText(passkey.last_used_at) }) : text("never_used");
  const said = [text("since", { day: dayText(passkey.created_at) }), used, ...(passkey.synced ? [text("synced")] : [])];
  const fault = element("p", { className: "fault", role: "alert" });
  const rename = element("button", { type: "button", className: "quiet small" }, text("rename"));
  const remove = element("button", { type: "button", className: "quiet small danger" }, text("remove"));
  for (const button of [rename, remove]) button.setAttribute("aria-label", `${button.textContent}: ${passkey.name}`);
  const renaming = renameForm(path, passkey.name);
  find("[data-cancel]", renaming).addEventListener("click", () => closeForm(renaming, rename));
  rename.addEventListener("click", () => {
    openForm(renaming);
    renaming.elements.name.value = passkey.name;
    renaming.elements.name.select();
  });
  onClick(remove, async () => {
    await api.call("DELETE", path);
    await refresh(text("passkey_removed"));
  }, fault);
  const about = element("div", { className: "about" }, element("strong", {}, passkey.name), element("span", { className: "hint" }, said.join(" · ")));
  return element("li", {}, about, element("div", { className: "actions" }, rename, remove), renaming, fault);
}

function renameForm(path, name) {
  const field = element("input", { name: "name", value: name, maxLength: 60, required: true, autocomplete: "off" });
  field.setAttribute("aria-label", text("passkey_name"));
  const fault = element("p", { className: "fault", role: "alert" });
  fault.dataset.fault = "";
  const cancel = element("button", { type: "button", className: "quiet" }, text("cancel"));
  cancel.dataset.cancel = "";
  const buttons = element("div", { className: "buttons" }, element("button", {}, text("save")), cancel);
  const made = element("form", { noValidate: true, hidden: true }, element("div", { className: "field" }, field), fault, buttons);
  onSubmit(made, async (typed) => {
    await api.call("PATCH", path, { name: typed.name.trim() });
    await refresh(text("saved"));
  });
  return made;
}
