import { api } from "./api.js";
import { dayText, element, find, notice, text } from "./dom.js";
import { closeForm, onClick, onSubmit, openForm } from "./forms.js";
import { qrImage } from "./qr.js";

const [totp, recovery, form, codes] = [find("#totp"), find("#recovery"), find("#confirm-totp"), find("#codes")];
const [add, remove, renew] = [find("[data-action=add]", totp), find("[data-action=remove]", totp), find("[data-action=renew]", recovery)];

/** Show the authenticator app and the number of recovery codes. */
export async function showFactors() {
  const factors = await api.call("GET", "/v1/me/factors");
  const hasFactor = Boolean(factors.totp_since || factors.passkeys);
  find("#factors-said").textContent = text(factors.required ? "factors_required" : "factors_said");
  find("[data-value]", totp).textContent = factors.totp_since ? text("since", { day: dayText(factors.totp_since) }) : text("not_set_up");
  add.textContent = text(factors.totp_since ? "replace" : "set_up");
  remove.hidden = !factors.totp_since;
  find("[data-value]", recovery).textContent = hasFactor ? text("codes_left", { count: factors.recovery_codes_left }) : text("codes_come");
  renew.hidden = !hasFactor;
}

/** Show new recovery codes, which cannot be shown again. */
export function showRecoveryCodes(list) {
  if (!list) return;
  find("ol", codes).replaceChildren(...list.map((code) => element("li", {}, code)));
  codes.hidden = false;
  codes.focus();
}

onClick(add, async () => {
  const { secret, otpauth_url: url } = await api.call("POST", "/v1/me/factors/totp");
  find("#qr").replaceChildren(qrImage(url, text("qr_label")));
  find("#otpauth").href = url;
  find("#totp-secret").textContent = secret.match(/.{1,4}/g).join(" ");
  openForm(form);
}, find("[data-line-fault]", totp));

onSubmit(form, async ({ code }) => {
  const added = await api.call("POST", "/v1/me/factors/totp/confirm", { code: code.trim() });
  api.keep(added.tokens);
  close();
  await showFactors();
  notice(text("totp_added"));
  showRecoveryCodes(added.recovery_codes);
});
find("[data-cancel]", form).addEventListener("click", close);

function close() {
  closeForm(form, add);
  find("#qr").replaceChildren();
  find("#totp-secret").textContent = "";
  find("#otpauth").removeAttribute("href");
}

onClick(remove, async () => {
  await api.call("DELETE", "/v1/me/factors/totp");
  await showFactors();
  notice(text("totp_removed"));
}, find("[data-line-fault]", totp));

onClick(renew, async () => {
  const { recovery_codes: list } = await api.call("POST", "/v1/me/factors/recovery-codes");
  await showFactors();
  showRecoveryCodes(list);
}, find("[data-line-fault]", recovery));

onClick(find("#copy-codes"), async () => {
  await navigator.clipboard.writeText([...find("ol", codes).children].map((line) => line.textContent).join("\n"));
  notice(text("copied"));
}, find("[data-line-fault]", recovery));

find("#hide-codes").addEventListener("click", () => {
  find("ol", codes).replaceChildren();
  codes.hidden = true;
  renew.focus();
});
