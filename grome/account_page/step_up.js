import { api } from "./api.js";
import { find } from "./dom.js";
import { clearFaults, onClick, onSubmit } from "./forms.js";
import { passkeysWork, provePasskey } from "./passkeys.js";

/** Prepare the dialog; the returned function opens it, and resolves to whether the person has proved the identity. */
export function prepareStepUp() {
  const [dialog, form, passkey] = [find("#step-up"), find("#step-up-form"), find("#step-up-passkey")];
  let proved = false;
  const succeed = (tokens) => {
    api.keep(tokens);
    proved = true;
    dialog.close();
  };
  onSubmit(form, async (typed) => {
    const proof = Object.fromEntries(Object.entries(typed).filter(([, value]) => value.trim()));
    succeed(await api.call("POST", "/v1/auth/step-up", proof));
  });
  onClick(passkey, async () => {
    const { ceremony, options } = await api.call("POST", "/v1/auth/step-up/passkey");
    const credential = await provePasskey(options);
    succeed(await api.call("POST", "/v1/auth/step-up", { passkey: { ceremony, credential } }));
  }, find('[data-fault=""]', form));
  find("[data-cancel]", form).addEventListener("click", () => dialog.close());

  return async () => {
    const factors = await api.call("GET", "/v1/me/factors");
    passkey.hidden = !factors.passkeys || !passkeysWork();
    const hasFactor = Boolean(factors.totp_since || factors.passkeys);
    find("[data-kind=password]", form).hidden = hasFactor;
    find("[data-kind=totp]", form).hidden = !factors.totp_since;
    find("button:not([type])", form).hidden = hasFactor && !factors.totp_since;
    form.reset();
    clearFaults(form);
    proved = false;
    dialog.showModal();
    await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    return proved;
  };
}
